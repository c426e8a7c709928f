import type { OverlayInfo } from '../network-info.js'
import type { InstanceState } from '../state/instance-state.js'
import { OwnBlocks } from './blocks.js'
import { openStore } from './open-store.js'
import { PeerList } from './peer-list.js'
import type { OverlayStore } from './store.js'

/** What this host has of an overlay network: shared by its processes, but for the connection to the store. */
export interface OverlayPart extends Disposable {
  readonly info: OverlayInfo
  readonly store: OverlayStore
  readonly blocks: OwnBlocks
  readonly peers: PeerList
  close(): void
}

/** Opens it. Nothing is asked of the store yet. */
export function openPart(state: InstanceState, name: string, info: OverlayInfo): OverlayPart {
  const folder = state.networkFolder(name)
  const store = openStore(info.store)
  const blocks = new OwnBlocks(folder)
  const close = (): void => {
    blocks.close()
    store[Symbol.dispose]()
  }
  return { info, store, blocks, peers: new PeerList(folder), close, [Symbol.dispose]: close }
}
