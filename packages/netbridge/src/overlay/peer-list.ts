import { statSync } from 'node:fs'
import { join } from 'node:path'
import { readFile, replaceFile } from '../state/files.js'
import type { OverlayPeer } from './definition.js'

/**
 * The other hosts of a network as they were last heard of, for all processes of this host: whoever has no word from the
 * store goes on with it.
 */
export class PeerList {
  readonly #path: string
  #read: { readonly stamp: string; readonly peers: readonly OverlayPeer[] } | undefined

  /** @param folder - To be there when the list is set. */
  constructor(folder: string) {
    this.#path = join(folder, 'peers.json')
  }

  /** The list as of now. */
  get(): readonly OverlayPeer[] {
    const stamp = this.stamp()
    if (this.#read?.stamp !== stamp)
      this.#read = { stamp, peers: JSON.parse(readFile(this.#path) ?? '[]') as OverlayPeer[] }
    return this.#read.peers
  }

  set(peers: readonly OverlayPeer[]): void {
    const text = JSON.stringify(peers)
    if (readFile(this.#path) !== text) replaceFile(this.#path, text)
  }

  /** Differs after every change: each time it is another file. */
  stamp(): string {
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs}`
  }
}
