import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough, Readable, Transform, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack, type Header, type Pack } from 'tar-stream'
import { OverlayError, systemError } from '../errors.js'
import type { LayerSource } from './layer-source.js'

/** Settings of {@link packLayer}. */
export interface PackLayerOptions {
  /** `'gzip'`, or `'none'` for a plain tar. Default `'gzip'`. */
  readonly compression?: 'gzip' | 'none' | undefined
  /** Time of every file in the layer. Default 1970, so that the same files make the same layer anywhere. */
  readonly mtime?: Date | undefined
  /** Ends the work: the stream fails with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
}

/** What a packed layer turned out to be. */
export interface PackedLayerDigests {
  /** `sha256:` and the hash of the tar, for the image's configuration. */
  readonly diffId: string
  /** `sha256:` and the hash of the stream's bytes, for the image's manifest. */
  readonly digest: string
  /** Bytes of the stream. */
  readonly size: number
}

/** A layer that is being packed. */
export interface PackedLayer {
  /** The layer's bytes. Read it to its end. */
  readonly stream: Readable
  /** Resolves when the stream has ended, and rejects with the stream's error. */
  readonly digests: Promise<PackedLayerDigests>
}

/**
 * Packs files of the host and made-up ones as a layer. Deterministic: the same names and contents in the same
 * order give the same bytes.
 *
 * @param sources - What goes into the layer, in this order. Folders that are not named are implied.
 * @throws {@link OverlayError} By `digests` and the stream: `ERR_OVERLAY_NOT_FOUND` and the like for a source
 *   that cannot be read, `ERR_OVERLAY_INVALID_ARG` for a path with `..` or a mode or owner out of range.
 *
 * @example
 * const layer = packLayer([{ type: 'file', path: 'etc/motd', content: 'hello\n' }])
 * await pipeline(layer.stream, createWriteStream('layer.tar.gz'))
 * const { diffId, digest, size } = await layer.digests
 */
export function packLayer(
  sources: Iterable<LayerSource> | AsyncIterable<LayerSource>,
  { compression = 'gzip', mtime = new Date(0), signal }: PackLayerOptions = {},
): PackedLayer {
  const tar = pack()
  const plain = createHash('sha256')
  const packed = createHash('sha256')
  const stream = new PassThrough()
  let size = 0
  const ended = pipeline(
    [
      Readable.from(tar as AsyncIterable<Uint8Array>),
      tap((chunk) => plain.update(chunk)),
      ...(compression === 'gzip' ? [createGzip({ chunkSize: 256 * 1024 })] : []),
      tap((chunk) => {
        packed.update(chunk)
        size += chunk.length
      }),
      stream,
    ],
    signal === undefined ? {} : { signal },
  )
  const added = addAll(tar, sources, mtime)
  added.catch(() => undefined) // ends the tar, and with it the stream, with the same error
  const digests = ended.then(async () => {
    await added
    return { diffId: named(plain), digest: named(packed), size }
  })
  digests.catch(() => undefined) // also reported by the stream
  return { stream, digests }
}

/** Hands every entry to tar-stream, one after the other. A failure ends the stream. */
async function addAll(
  tar: Pack,
  sources: Iterable<LayerSource> | AsyncIterable<LayerSource>,
  mtime: Date,
): Promise<void> {
  try {
    for await (const source of sources) await add(tar, source, mtime)
    tar.finalize()
  } catch (error) {
    tar.destroy(error as Error)
    throw error
  }
}

async function add(tar: Pack, source: LayerSource, mtime: Date): Promise<void> {
  const { path, uid = 0, gid = 0 } = source
  const name = path.split('/').filter((part) => part !== '' && part !== '.')
  if (name.length === 0 || name.includes('..') || path.includes('\0'))
    throw invalid(path, 'it names no file of the layer')
  const header = { name: name.join('/'), type: source.type, uid, gid, mtime, pax: largeIds(path, uid, gid) }
  switch (source.type) {
    case 'directory':
      return written(tar, { ...header, name: `${header.name}/`, mode: modeOf(source, 0o755) })
    case 'symlink':
      if (source.target === '') throw invalid(path, 'it is a link to nothing')
      return written(tar, { ...header, mode: 0o777, linkname: source.target })
    default:
      if ('content' in source) {
        const bytes = typeof source.content === 'string' ? Buffer.from(source.content) : source.content
        return written(
          tar,
          { ...header, mode: modeOf(source, 0o644), size: bytes.length },
          Readable.from([bytes]),
        )
      }
      return addHostFile(tar, header, source)
  }
}

type Named = Partial<Header> & Pick<Header, 'name'>

async function addHostFile(
  tar: Pack,
  header: Named,
  source: Extract<LayerSource, { readonly source: string }>,
): Promise<void> {
  try {
    await using file = await open(source.source)
    const stat = await file.stat()
    if (!stat.isFile()) throw invalid(source.path, `${source.source} is no regular file`)
    const executable = (stat.mode & 0o111) !== 0
    const entry = { ...header, mode: modeOf(source, executable ? 0o755 : 0o644), size: stat.size }
    // a file that grows meanwhile is cut, one that shrinks is an error of tar-stream
    const content =
      stat.size === 0
        ? undefined
        : createReadStream('', { fd: file.fd, autoClose: false, start: 0, end: stat.size - 1 })
    await written(tar, entry, content)
  } catch (error) {
    throw systemError('pack', source.source, error)
  }
}

function written(tar: Pack, header: Named, content?: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const sink = tar.entry(header, (error) => {
      if (error == null) resolve()
      else reject(error)
    })
    if (header.type !== 'file') return
    if (content === undefined) {
      sink.end(null)
      return
    }
    // tar-stream ends its entries with an error when the archive is given up
    sink.on('error', () => content.destroy())
    content.on('error', (error) => sink.destroy(error))
    content.pipe(sink as unknown as Writable)
  })
}

function modeOf({ path, mode }: LayerSource, byDefault: number): number {
  if (mode === undefined) return byDefault
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o7777) return mode
  throw invalid(path, `its mode must be an integer from 0 to 0o7777, got ${mode}`)
}

/** Ids beyond the six octal digits of tar-stream's headers go into a PAX record. */
function largeIds(path: string, uid: number, gid: number): Readonly<Record<string, string>> | null {
  const records: Record<string, string> = {}
  for (const [key, id] of Object.entries({ uid, gid })) {
    if (!Number.isInteger(id) || id < 0 || id > 0xffff_fffe) throw invalid(path, `its ${key} is ${id}`)
    if (id > 0o777777) records[key] = String(id)
  }
  return Object.keys(records).length === 0 ? null : records
}

function tap(see: (chunk: Buffer) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      see(chunk)
      done(null, chunk)
    },
  })
}

function named(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`
}

function invalid(path: string, reason: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_INVALID_ARG', `cannot pack ${JSON.stringify(path)}: ${reason}`, {
    path,
  })
}
