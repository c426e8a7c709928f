import { constants, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../abort.js'
import type { BlobStore } from '../blobs/blob-store.js'
import { io } from '../blobs/durable.js'
import type { Expected } from '../blobs/verify.js'
import { errnoOf } from '../errors.js'
import { parseDescriptor, type Descriptor } from '../manifest/descriptor.js'
import { parseDigest } from '../manifest/digest.js'
import { listAt, parseJsonObject } from '../manifest/json-shape.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { isIndexType, isManifestType } from '../manifest/media-types.js'
import { walkDocuments } from '../store/walk-documents.js'
import { ArchiveContent, damaged, shown } from './archive-content.js'
import type { ArchiveLimits } from './read-archive.js'

/** What a folder is read with. */
export interface FolderContext {
  readonly limits: ArchiveLimits
  readonly signal: AbortSignal | undefined
  /** Gets the digests of blobs that are stored, also when it fails. */
  readonly added: Set<string>
}

/** Stores what the images of a folder need as blobs. The folder is an OCI image layout. */
export async function readFolder(
  blobs: BlobStore,
  folder: string,
  context: FolderContext,
): Promise<ArchiveContent> {
  const content = new ArchiveContent(blobs)
  const files = new LayoutFiles(blobs, folder, context)
  for (const name of ['oci-layout', 'index.json']) {
    const stored = await files.bringFile(name)
    if (stored !== undefined) content.addFile(name, stored)
  }
  const index = await content.read('index.json')
  if (index === undefined) return content // whoever looks for images in it says so
  const entries = listAt(
    parseJsonObject(index.toString('utf8'), 'index.json')['manifests'],
    'index.json manifests',
  )
  for (const [n, json] of entries.entries()) {
    const entry = parseDescriptor(json, `index.json manifests[${n}]`)
    if (!isManifestType(entry.mediaType) && !isIndexType(entry.mediaType)) continue
    const documents = await walkDocuments(`image ${entry.digest}`, entry, (inner) => files.document(inner))
    for (const blob of documents.flatMap((document) => document.blobs)) await files.bringBlob(blob)
  }
  return content
}

/** The files of one layout. Nothing but plain files is opened, and no name of the layout's content becomes a path. */
class LayoutFiles {
  readonly #blobs: BlobStore
  readonly #folder: string
  readonly #context: FolderContext
  #entries = 0
  #bytes = 0

  constructor(blobs: BlobStore, folder: string, context: FolderContext) {
    this.#blobs = blobs
    this.#folder = folder
    this.#context = context
  }

  /** `undefined` when it is not there. */
  async bringFile(name: string): Promise<Expected | undefined> {
    return await this.#opened(name, async (file, size) => {
      if (size > maxManifestBytes)
        throw damaged(`${shown(name)} has ${size} bytes, at most ${maxManifestBytes} are read`)
      const stored = await this.#blobs.add(file.createReadStream({ autoClose: false, end: maxManifestBytes }))
      this.#context.added.add(stored.digest)
      return stored
    })
  }

  async document(descriptor: Descriptor): Promise<Buffer> {
    if (descriptor.size <= maxManifestBytes) await this.bringBlob(descriptor)
    return await this.#blobs.bytes(descriptor, maxManifestBytes)
  }

  /** Stores a blob, checked, unless it is here. What the folder lacks is found out by whoever needs it. */
  async bringBlob({ digest, size }: Expected): Promise<void> {
    const expected = { digest, size }
    const { algorithm, hex } = parseDigest(digest)
    if (await this.#blobs.has(expected)) return
    await this.#opened(`blobs/${algorithm}/${hex}`, async (file) => {
      this.#context.added.add(digest)
      await this.#blobs.write(expected, this.#chunks(file))
    })
  }

  async *#chunks(file: FileHandle): AsyncGenerator<Uint8Array> {
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 })) {
      throwIfAborted(this.#context.signal)
      yield chunk as Buffer
    }
  }

  async #opened<T>(
    name: string,
    work: (file: FileHandle, size: number) => Promise<T>,
  ): Promise<T | undefined> {
    throwIfAborted(this.#context.signal)
    const { maxBytes = 64 * 1024 ** 3, maxEntries = 100_000 } = this.#context.limits
    const path = join(this.#folder, name)
    return await io(`read ${path}`, async () => {
      // neither a link to elsewhere, nor a pipe that nobody writes to
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
        missing,
      )
      if (file === undefined) return undefined
      try {
        const stat = await file.stat()
        if (!stat.isFile()) throw damaged(`${shown(name)} is no file`)
        this.#bytes += stat.size
        if (++this.#entries > maxEntries || this.#bytes > maxBytes)
          throw damaged(
            `it has more than ${this.#entries > maxEntries ? `${maxEntries} files` : `${maxBytes} bytes`}`,
          )
        return await work(file, stat.size)
      } finally {
        await file.close()
      }
    })
  }
}

function missing(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT') return undefined
  throw error
}
