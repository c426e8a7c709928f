import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, open, readdir, rename, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { errnoOf, RegistryError } from '../errors.js'
import { digestOf, isDigest, parseDigest } from '../manifest/digest.js'
import { BlobIngest, type IngestParts } from './blob-ingest.js'
import { takeTurn, type TurnOptions } from './blob-turn.js'
import { cleanPartial } from './clean-partial.js'
import { hashOfNode, type MakeHash } from './content-hash.js'
import { io, ioError, removeFile, syncFolder } from './durable.js'
import { EarlySync } from './early-sync.js'
import type { HeldLock } from './folder-lock.js'
import { ownerToken } from './owner.js'
import { sizeMismatch, Verifier, type Expected } from './verify.js'

/** How long an interrupted download waits to be resumed. */
const partialLifeMs = 7 * 24 * 3600 * 1000

/** A blob of a store. */
export interface StoredBlob extends Expected {
  /** When it was stored, in milliseconds since 1970. */
  readonly storedAt: number
}

/** Settings of {@link BlobStore.open}. */
export interface BlobStoreOptions {
  /** Hashes what comes. Default: `node:crypto`, on the event loop. */
  readonly sha256?: MakeHash | undefined
}

/**
 * Content by digest in a folder: `blobs/sha256/<hex>` as in an OCI image layout, and `partial/` for what is
 * on its way. Blobs appear whole or not at all, so any number of processes may use the folder at once.
 */
export class BlobStore {
  /** The folder that holds `blobs` and `partial`. */
  readonly folder: string
  readonly #parts: IngestParts

  private constructor(folder: string, { sha256 = () => hashOfNode('sha256') }: BlobStoreOptions) {
    this.folder = folder
    this.#parts = { early: new EarlySync(), sha256 }
  }

  /**
   * Opens a store and makes its folders. What crashed writers left is removed or kept for resuming.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_IO`: the folder cannot be made or read.
   */
  static async open(folder: string, options: BlobStoreOptions = {}): Promise<BlobStore> {
    const store = new BlobStore(folder, options)
    await io(`open blob store ${folder}`, async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true })
      await mkdir(join(folder, 'partial'), { recursive: true })
      await store.clean(partialLifeMs)
    })
    return store
  }

  /**
   * Where a blob is, whether it is there or not.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_INVALID_DIGEST`: no path is made of anything but a digest.
   */
  pathOf(digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return join(this.folder, 'blobs', algorithm, hex)
  }

  /** Size of a blob in bytes; `undefined` when it is not there. */
  async sizeOf(digest: string): Promise<number | undefined> {
    const path = this.pathOf(digest)
    try {
      const found = await stat(path)
      return found.isFile() ? found.size : undefined
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      return await io(`look for blob ${digest}`, () => Promise.reject(error as Error))
    }
  }

  /** True when a blob of this digest and size is there. */
  async has({ digest, size }: Expected): Promise<boolean> {
    return (await this.sizeOf(digest)) === size
  }

  /** The blob's bytes as a stream; that it is missing is an error of the stream. */
  read(digest: string, { start, end }: { readonly start?: number; readonly end?: number } = {}): Readable {
    const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
    return createReadStream(this.pathOf(digest), { highWaterMark: 1024 * 1024, ...range })
  }

  /** Opens a blob's file for reading; `undefined` when it is not there. It can be read when it was removed since. */
  async open(digest: string): Promise<FileHandle | undefined> {
    const path = this.pathOf(digest)
    try {
      return await open(path, 'r')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw ioError(`read blob ${digest}`, error)
    }
  }

  /**
   * A small blob whole, checked against digest and size.
   *
   * @param limit - Bytes at most.
   * @throws {@link RegistryError} `ERR_REGISTRY_NO_BLOB`, `ERR_REGISTRY_TOO_LARGE`, or a mismatch: the disk
   *   does not hold what it should.
   */
  async bytes(expected: Expected, limit: number): Promise<Buffer> {
    if (expected.size > limit) {
      throw new RegistryError(
        'ERR_REGISTRY_TOO_LARGE',
        `cannot read blob ${expected.digest}: it has ${expected.size} bytes, at most ${limit} are read`,
      )
    }
    const path = this.pathOf(expected.digest)
    const bytes = await io(`read blob ${expected.digest}`, () => readWhole(path, expected))
    if (bytes === undefined) {
      throw new RegistryError(
        'ERR_REGISTRY_NO_BLOB',
        `cannot read blob ${expected.digest}: it is not in ${this.folder}`,
      )
    }
    const verifier = new Verifier(expected)
    verifier.update(bytes)
    verifier.finish()
    return bytes
  }

  /** Stores bytes from memory. */
  async put(bytes: Uint8Array): Promise<Expected> {
    const expected = { digest: digestOf(bytes), size: bytes.byteLength }
    if (!(await this.has(expected))) await this.write(expected, [bytes])
    return expected
  }

  /** Stores a stream whose digest and size are not known yet. On failure nothing is left. */
  async add(source: AsyncIterable<Uint8Array>): Promise<Expected> {
    const path = join(this.folder, 'partial', `new~${ownerToken()}`)
    const hash = createHash('sha256')
    let size = 0
    try {
      const file = await io(`store a blob`, () => open(path, 'wx', 0o644))
      try {
        for await (const chunk of source) {
          hash.update(chunk)
          size += chunk.byteLength
          await io(`store a blob`, () => file.writeFile(chunk))
        }
      } finally {
        await file.close()
      }
      const digest = `sha256:${hash.digest('hex')}`
      await this.adopt(path, digest)
      return { digest, size }
    } finally {
      await removeFile(path)
    }
  }

  /** Stores a stream that must have the given digest and size. On any failure nothing is left. */
  async write(expected: Expected, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const ingest = await this.ingest(expected)
    try {
      if (ingest.offset > 0) await ingest.reset()
      for await (const chunk of source) await ingest.append(chunk)
      await ingest.verify()
      await ingest.commit()
    } catch (error) {
      await ingest.discard()
      throw error
    }
  }

  /** Begins to store a blob piece by piece, or goes on with one that was interrupted. */
  async ingest(expected: Expected): Promise<BlobIngest> {
    const resumable = this.#resumable(expected.digest)
    const working = `${resumable}~${ownerToken()}`
    const paths = { working, resumable, final: this.pathOf(expected.digest) }
    return await BlobIngest.open(expected, paths, this.#parts)
  }

  /**
   * Waits until nobody else, in this process or another, brings a blob. It may be there then. What one who has died has
   * had of it can be resumed.
   *
   * @returns To be released once the blob is there, or is not wanted any more.
   */
  async turn(digest: string, options: TurnOptions): Promise<HeldLock> {
    return await takeTurn(this.#resumable(digest), options)
  }

  /**
   * Moves a finished file of the same file system into the store. The caller has checked its content.
   *
   * @returns False when the blob was there already.
   */
  async adopt(path: string, digest: string): Promise<boolean> {
    const final = this.pathOf(digest)
    return await io(`store blob ${digest}`, async () => {
      const file = await open(path, 'r')
      try {
        const { size } = await file.stat()
        const isThere = await this.has({ digest, size })
        if (!isThere) await file.sync()
        const isNew = !isThere && (await linkInto(path, final))
        // one of another size is damaged
        if (!isNew && !isThere && !(await this.has({ digest, size }))) await rename(path, final)
        await removeFile(path)
        if (!isThere) await syncFolder(dirname(final))
        return isNew
      } finally {
        await file.close()
      }
    })
  }

  /** Removes a blob. True when it was there. Open streams of it go on. */
  async delete(digest: string): Promise<boolean> {
    const path = this.pathOf(digest)
    return await io(`remove blob ${digest}`, () => removeFile(path))
  }

  /** All blobs, in no order. */
  async *list(): AsyncGenerator<StoredBlob, void> {
    const root = join(this.folder, 'blobs')
    for (const algorithm of await io(`list ${root}`, () => readdir(root))) {
      for (const hex of await io(`list ${root}`, () => readdir(join(root, algorithm)))) {
        const digest = `${algorithm}:${hex}`
        if (!isDigest(digest)) continue
        const found = await stat(this.pathOf(digest)).catch(() => undefined) // removed in between
        if (found?.isFile() === true) yield { digest, size: found.size, storedAt: found.mtimeMs }
      }
    }
  }

  /**
   * Looks through unfinished blobs: those of writers that have ended are kept for resuming, and removed once
   * they are older than `maxAgeMs` or of no use any more. {@link BlobStore.open} does this with a week.
   */
  async clean(maxAgeMs: number): Promise<void> {
    const folder = join(this.folder, 'partial')
    await io(`clean ${folder}`, () =>
      cleanPartial(folder, maxAgeMs, async (digest) => (await this.sizeOf(digest)) !== undefined),
    )
  }

  #resumable(digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return join(this.folder, 'partial', `${algorithm}-${hex}`)
  }
}

/** Gives a file a second name in a folder that may have to be made. False when the name is taken. */
async function linkInto(path: string, final: string): Promise<boolean> {
  try {
    await link(path, final)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    if (errnoOf(error) !== 'ENOENT') throw error
    await mkdir(dirname(final), { recursive: true })
    return await linkInto(path, final)
  }
}

/** A file of the expected size; `undefined` when there is none. */
async function readWhole(path: string, expected: Expected): Promise<Buffer | undefined> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size !== expected.size) throw sizeMismatch(expected, `the file has ${size}`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
