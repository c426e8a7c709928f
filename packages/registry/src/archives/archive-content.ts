import { posix } from 'node:path'
import type { BlobStore } from '../blobs/blob-store.js'
import type { Expected } from '../blobs/verify.js'
import { RegistryError } from '../errors.js'
import { maxManifestBytes } from '../manifest/manifest.js'

/** Links that lead to links are followed this far. */
const maxHops = 16

/**
 * What an archive holds, by the names in it. All its files are blobs of a store by now; no name of an archive
 * ever becomes a path of the file system.
 */
export class ArchiveContent {
  readonly #blobs: BlobStore
  readonly #files = new Map<string, Expected>()
  readonly #links = new Map<string, string>()

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /** Names of all files. */
  names(): readonly string[] {
    return [...this.#files.keys()]
  }

  /** Enters a file. The same name with other content would let two readers see two images. */
  addFile(name: string, content: Expected): void {
    const before = this.#files.get(name)
    if (before !== undefined && before.digest !== content.digest)
      throw damaged(`it has ${shown(name)} twice, with different content`)
    this.#files.set(name, content)
  }

  /** Enters a link, symbolic (relative to its own folder) or hard. */
  addLink(name: string, target: string, isSymbolic: boolean): void {
    const path = isSymbolic ? posix.join(posix.dirname(name), target) : target
    this.#links.set(name, posix.normalize(path))
  }

  /** A file, also through links inside the archive. */
  find(name: string): Expected | undefined {
    let path = posix.normalize(name)
    for (let hops = 0; hops < maxHops; hops++) {
      const file = this.#files.get(path)
      if (file !== undefined) return file
      const next = this.#links.get(path)
      if (next === undefined) return undefined
      path = next
    }
    throw damaged(`its links from ${shown(name)} lead in a circle`)
  }

  /** A file that must be there. */
  get(name: string): Expected {
    const found = this.find(name)
    if (found === undefined) throw damaged(`it lacks ${shown(name)}`)
    return found
  }

  /** Bytes of a small file, at most 4 MiB; `undefined` when it is not there. */
  async read(name: string): Promise<Buffer | undefined> {
    const found = this.find(name)
    return found === undefined ? undefined : await this.#blobs.bytes(found, maxManifestBytes)
  }
}

/** An error about an archive's content. */
export function damaged(reason: string): RegistryError {
  return new RegistryError('ERR_REGISTRY_ARCHIVE', `cannot load the archive: ${reason}`)
}

/** A name of an archive, for messages. */
export function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}
