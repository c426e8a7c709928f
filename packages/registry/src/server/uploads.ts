import { createHash, randomUUID, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { io, removeFile } from '../blobs/durable.js'
import { parseDigest, type DigestAlgorithm } from '../manifest/digest.js'
import { ApiError, unknownUpload } from './api-error.js'
import { appendChunks } from './append-chunks.js'
import type { Quotas } from './quotas.js'
import { readUploadNote, writeUploadNote, type UploadNote } from './upload-note.js'

/** More uploads than this at once are refused. */
export const maxUploads = 1024

/** An upload under way: one file, one writer at a time. */
export interface Upload extends UploadNote {
  readonly id: string
  readonly path: string
  /** What came so far, hashed; `undefined` when only the file knows it. */
  hash: Hash | undefined
  /** Bytes received. */
  offset: number
  isBusy: boolean
  /** Milliseconds of `Date.now()` when the last byte came. */
  touchedAt: number
}

/**
 * The uploads of a server, in a folder: `<id>` has the bytes, `<id>.json` says whose they are. A server that is
 * started again, after whatever end, goes on with them. Those that stay idle are removed.
 */
export class Uploads {
  readonly #folder: string
  readonly #idleMs: number
  readonly #uploads = new Map<string, Upload>()
  readonly #timer: NodeJS.Timeout

  readonly #quotas: Quotas

  private constructor(folder: string, idleMs: number, quotas: Quotas) {
    this.#folder = folder
    this.#quotas = quotas
    this.#idleMs = idleMs
    this.#timer = setInterval(
      () => void this.#removeIdle(),
      Math.min(Math.max(idleMs / 4, 10), 60_000),
    ).unref()
  }

  /** Opens the folder, and takes up what an earlier server left there. */
  static async open(folder: string, idleMs: number, quotas: Quotas): Promise<Uploads> {
    const uploads = new Uploads(folder, idleMs, quotas)
    try {
      await io(`open uploads in ${folder}`, () => uploads.#load())
    } catch (error) {
      uploads.close()
      throw error
    }
    return uploads
  }

  /** Begins an upload. One that no client can come back to needs no note. */
  async begin(repository: string, algorithm: DigestAlgorithm, isLasting = true): Promise<Upload> {
    if (this.#uploads.size >= maxUploads)
      throw new ApiError(429, 'TOOMANYREQUESTS', 'too many uploads at once', { 'retry-after': '30' })
    const id = randomUUID()
    const path = join(this.#folder, id)
    const hash = createHash(algorithm)
    const upload = { id, repository, algorithm, path, hash, offset: 0, isBusy: false, touchedAt: Date.now() }
    this.#uploads.set(id, upload)
    try {
      if (isLasting) await writeUploadNote(path, upload)
    } catch (error) {
      this.#uploads.delete(id)
      await removeFile(`${path}.json`) // a full disk has taken its name, but not its text
      throw error
    }
    return upload
  }

  /** Finds an upload of a repository. */
  get(repository: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.repository !== repository) throw unknownUpload()
    return upload
  }

  /** Runs work on an upload that nobody else works on. */
  async exclusively<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    if (upload.isBusy) throw new ApiError(409, 'BLOB_UPLOAD_INVALID', 'another request writes to this upload')
    upload.isBusy = true
    try {
      return await work()
    } finally {
      upload.isBusy = false
      upload.touchedAt = Date.now()
    }
  }

  /**
   * Appends bytes as they come; those that came before a broken connection stay.
   *
   * @param length - How many there are to be, or `Infinity`.
   */
  async append(upload: Upload, source: AsyncIterable<Buffer>, length: number): Promise<void> {
    const file = await open(upload.path, 'a', 0o644)
    const end = upload.offset + length
    try {
      await appendChunks(file, source, {
        accept: (chunk) => {
          upload.touchedAt = Date.now()
          if (upload.offset + chunk.length > end) {
            throw new ApiError(400, 'SIZE_INVALID', 'more bytes came than the range has')
          }
          this.#quotas.check(upload.repository, chunk.length)
          upload.hash?.update(chunk)
          this.#advance(upload, chunk.length)
        },
      })
    } catch (error) {
      // what was written decides: not all that was taken may have reached the file
      const { size } = await file.stat()
      if (size !== upload.offset) upload.hash = undefined
      this.#advance(upload, size - upload.offset)
      throw error
    } finally {
      await file.close()
    }
    if (length !== Infinity && upload.offset < end) {
      throw new ApiError(400, 'SIZE_INVALID', 'fewer bytes came than the range has')
    }
  }

  /** The digest of what was received, by the algorithm of `wanted`. */
  async digest(upload: Upload, wanted: string): Promise<string> {
    const { algorithm } = parseDigest(wanted)
    if (algorithm === upload.algorithm && upload.hash !== undefined) {
      return `${algorithm}:${upload.hash.copy().digest('hex')}`
    }
    const hash = createHash(algorithm)
    const stream = createReadStream(upload.path, { highWaterMark: 1024 ** 2 }) as AsyncIterable<Buffer>
    for await (const chunk of stream) hash.update(chunk)
    return `${algorithm}:${hash.digest('hex')}`
  }

  /** Forgets an upload and removes its files, as far as they are there. */
  async end(upload: Upload): Promise<void> {
    if (!this.#uploads.delete(upload.id)) return
    this.#quotas.count(upload.repository, -upload.offset)
    await removeFile(`${upload.path}.json`)
    await removeFile(upload.path)
  }

  /** Stops looking for idle uploads. Those under way stay in the folder, for the next server. */
  close(): void {
    clearInterval(this.#timer)
  }

  /** Bytes of the uploads to a repository. */
  bytesOf(repository: string): number {
    let bytes = 0
    for (const upload of this.#uploads.values()) bytes += upload.repository === repository ? upload.offset : 0
    return bytes
  }

  #advance(upload: Upload, bytes: number): void {
    upload.offset += bytes
    this.#quotas.count(upload.repository, bytes)
  }

  async #load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const names = new Set(await readdir(this.#folder))
    for (const name of names) {
      const id = name.replace(/\.json$/, '')
      const path = join(this.#folder, id)
      const note = names.has(`${id}.json`) ? await readUploadNote(path) : undefined
      if (note === undefined || this.#uploads.size >= maxUploads) {
        await removeFile(join(this.#folder, name))
      } else if (name !== id) {
        const found = await stat(path).catch(() => undefined) // nothing came yet
        const { size = 0, mtimeMs = Date.now() } = found ?? {}
        this.#quotas.count(note.repository, size)
        this.#uploads.set(id, {
          ...note,
          id,
          path,
          hash: size === 0 ? createHash(note.algorithm) : undefined,
          offset: size,
          isBusy: false,
          touchedAt: mtimeMs,
        })
      }
    }
  }

  async #removeIdle(): Promise<void> {
    const before = Date.now() - this.#idleMs
    for (const upload of [...this.#uploads.values()]) {
      if (!upload.isBusy && upload.touchedAt < before) await this.end(upload).catch(() => undefined) // its file stays for the next start
    }
  }
}
