import { mkdir, open, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../errors.js'
import { Arrival, type ArrivingBlob } from './arriving-blob.js'
import { io, removeFile, syncFolder } from './durable.js'
import type { EarlySync } from './early-sync.js'
import { GatheringWriter } from './gathering-writer.js'
import type { MakeHash } from './content-hash.js'
import { StreamVerifier, type Expected } from './verify.js'

/** Where the bytes of a download are while it runs, while it waits to be resumed, and at the end. */
export interface IngestPaths {
  readonly working: string
  readonly resumable: string
  readonly final: string
}

/** What all writers of a store have in common. */
export interface IngestParts {
  /** They take turns at it. */
  readonly early: EarlySync
  readonly sha256: MakeHash
}

/**
 * One blob on its way into a store. Bytes go to a file of this writer's own and are checked as they come;
 * only {@link BlobIngest.commit} makes the blob visible. End it by `commit`, `suspend` or `discard`.
 */
export class BlobIngest {
  readonly #expected: Expected
  readonly #paths: IngestPaths
  readonly #verifier: StreamVerifier
  readonly #file: FileHandle
  readonly #early: EarlySync
  #arrival: Arrival
  #writer: GatheringWriter
  #isOpen = true

  private constructor(
    expected: Expected,
    paths: IngestPaths,
    file: FileHandle,
    { early, sha256 }: IngestParts,
  ) {
    this.#expected = expected
    this.#paths = paths
    this.#file = file
    this.#early = early
    this.#verifier = new StreamVerifier(expected, sha256)
    this.#arrival = this.#newArrival()
    this.#writer = this.#newWriter()
  }

  /**
   * Begins, or goes on where a suspended or crashed writer of the same blob stopped.
   *
   * @param parts - What all writers of a store have in common.
   */
  static async open(expected: Expected, paths: IngestPaths, parts: IngestParts): Promise<BlobIngest> {
    return await io(`store blob ${expected.digest}`, async () => {
      const isClaimed = await claim(paths)
      const ingest = new BlobIngest(
        expected,
        paths,
        await open(paths.working, isClaimed ? 'r+' : 'wx+', 0o644),
        parts,
      )
      try {
        if (isClaimed) await ingest.#goOn()
        return ingest
      } catch (error) {
        await ingest.discard()
        throw error
      }
    })
  }

  /** Bytes that are there already. */
  get offset(): number {
    return this.#verifier.size
  }

  /** To read it while it comes. Another one after {@link BlobIngest.reset}. */
  get arriving(): ArrivingBlob {
    return this.#arrival
  }

  /**
   * Appends the next bytes, which must stay as they are until {@link BlobIngest.verify}. One call at a time. They are
   * written in the background; what goes wrong there comes out of a later call.
   */
  async append(chunk: Uint8Array): Promise<void> {
    const hashed = this.#verifier.update(chunk)
    const written = io(`store blob ${this.#expected.digest}`, () => this.#writer.write(chunk))
    await Promise.all([hashed, written])
  }

  /** The same for a large piece, whose bytes are not looked at any more once this has resolved. */
  async appendPiece(piece: Buffer): Promise<void> {
    const position = this.offset
    const hashed = this.#verifier.update(piece)
    const written = io(`store blob ${this.#expected.digest}`, async () => {
      await this.#writer.write(piece)
      await this.#writer.written()
    })
    await Promise.all([hashed, written, this.#arrival.lend(position, piece)])
  }

  /** Throws away what is there and starts at offset 0. */
  async reset(): Promise<void> {
    this.#arrival.end(false)
    await this.#writer.flush().catch(() => undefined) // of what is not wanted any more
    this.#verifier.reset()
    await io(`store blob ${this.#expected.digest}`, () => this.#file.truncate(0))
    this.#arrival = this.#newArrival()
    this.#writer = this.#newWriter()
  }

  /** Checks size and digest of all that was appended. Before {@link BlobIngest.commit}. */
  async verify(): Promise<void> {
    this.#verifier.finish()
    await io(`store blob ${this.#expected.digest}`, () => this.#writer.flush())
    this.#arrival.end(true)
  }

  /** Writes all to the disk, and makes the blob visible, which must have been checked. */
  async commit(): Promise<void> {
    await io(`store blob ${this.#expected.digest}`, async () => {
      await this.#file.sync()
      await this.#close()
      await mkdir(dirname(this.#paths.final), { recursive: true })
      await rename(this.#paths.working, this.#paths.final)
      await syncFolder(dirname(this.#paths.final))
      await removeFile(this.#paths.resumable) // what another writer left of the same blob
    })
  }

  /** Stops, and keeps the bytes for a later writer. Does nothing after another end. */
  async suspend(): Promise<void> {
    if (!this.#isOpen) return
    if (this.offset === 0) {
      await this.discard()
      return
    }
    await this.#close()
    await io(`store blob ${this.#expected.digest}`, () => rename(this.#paths.working, this.#paths.resumable))
  }

  /** Stops and removes the bytes. Does nothing after another end, except a commit that failed. */
  async discard(): Promise<void> {
    await this.#close()
    await io(`store blob ${this.#expected.digest}`, () => removeFile(this.#paths.working))
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#verifier[Symbol.dispose]()
    this.#arrival.end(false)
    await this.#writer.flush().catch(() => undefined) // up to there the file is good
    await this.#file.close()
  }

  #newArrival(): Arrival {
    return new Arrival(this.#expected, [this.#paths.working, this.#paths.final])
  }

  #newWriter(): GatheringWriter {
    const arrival = this.#arrival
    return new GatheringWriter(this.#file, this.offset, (end) => arrival.grown(end), this.#early)
  }

  /** Checks what an earlier writer left, and goes on behind it. */
  async #goOn(): Promise<void> {
    const { size } = await this.#file.stat()
    if (size > this.#expected.size) {
      await this.#file.truncate(0)
      return
    }
    const buffer = Buffer.allocUnsafe(256 * 1024)
    while (this.offset < size) {
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.offset)
      if (bytesRead === 0) break
      await this.#verifier.update(buffer.subarray(0, bytesRead))
    }
    this.#arrival.grown(this.offset)
    this.#writer = this.#newWriter()
  }
}

/** Takes over what an earlier writer left. A rename has one winner. */
async function claim({ working, resumable }: IngestPaths): Promise<boolean> {
  try {
    await rename(resumable, working)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
