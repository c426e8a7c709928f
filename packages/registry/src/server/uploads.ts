import { createHash, randomUUID, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFile } from '../blobs/durable.js'
import { ownerToken } from '../blobs/owner.js'
import { parseDigest } from '../manifest/digest.js'
import { ApiError, unknownUpload } from './api-error.js'

/** More uploads than this at once are refused. */
const maxUploads = 1024

/** An upload under way: one file, one writer at a time. */
export interface Upload {
  readonly id: string
  readonly repository: string
  readonly path: string
  readonly file: FileHandle
  readonly sha256: Hash
  /** Bytes received. */
  offset: number
  isBusy: boolean
  /** Milliseconds of `Date.now()` when the last byte came. */
  touchedAt: number
}

/**
 * The uploads of one running server. They do not survive it: a client begins again. Those that stay idle
 * are removed; files of a server that crashed are removed when the folder is opened next.
 */
export class Uploads {
  readonly #folder: string
  readonly #idleMs: number
  readonly #uploads = new Map<string, Upload>()
  readonly #timer: NodeJS.Timeout

  constructor(folder: string, idleMs: number) {
    this.#folder = folder
    this.#idleMs = idleMs
    this.#timer = setInterval(
      () => void this.#removeIdle(),
      Math.min(Math.max(idleMs / 4, 10), 60_000),
    ).unref()
  }

  /** Begins an upload. */
  async begin(repository: string): Promise<Upload> {
    if (this.#uploads.size >= maxUploads)
      throw new ApiError(429, 'TOOMANYREQUESTS', 'too many uploads at once')
    const id = randomUUID()
    const path = join(this.#folder, `upload-${id}~${ownerToken()}`)
    const file = await open(path, 'wx+', 0o644)
    const upload = {
      id,
      repository,
      path,
      file,
      sha256: createHash('sha256'),
      offset: 0,
      isBusy: false,
      touchedAt: Date.now(),
    }
    this.#uploads.set(id, upload)
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

  /** Appends bytes as they come; those that came before a broken connection stay. */
  async append(upload: Upload, source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) {
      for (let done = 0; done < chunk.length;) {
        done += (await upload.file.write(chunk, done, chunk.length - done, upload.offset + done)).bytesWritten
      }
      upload.sha256.update(chunk)
      upload.offset += chunk.length
      upload.touchedAt = Date.now()
    }
  }

  /** The digest of what was received, by the algorithm of `wanted`. */
  async digest(upload: Upload, wanted: string): Promise<string> {
    const { algorithm } = parseDigest(wanted)
    if (algorithm === 'sha256') return `sha256:${upload.sha256.copy().digest('hex')}`
    const hash = createHash(algorithm)
    for await (const chunk of createReadStream(upload.path) as AsyncIterable<Buffer>) hash.update(chunk)
    return `${algorithm}:${hash.digest('hex')}`
  }

  /** Ends an upload and removes its file. */
  async end(upload: Upload): Promise<void> {
    if (!this.#uploads.delete(upload.id)) return
    await upload.file.close()
    await removeFile(upload.path)
  }

  /** Ends all uploads. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const upload of [...this.#uploads.values()]) await this.end(upload)
  }

  async #removeIdle(): Promise<void> {
    const before = Date.now() - this.#idleMs
    for (const upload of [...this.#uploads.values()]) {
      if (!upload.isBusy && upload.touchedAt < before) await this.end(upload).catch(() => undefined) // its file stays for the next start
    }
  }
}
