import { posix } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { extract, type ExtractEvents } from 'tar-stream'
import { abortError } from '../abort.js'
import type { BlobStore } from '../blobs/blob-store.js'
import type { Expected } from '../blobs/verify.js'
import { isRegistryError, messageOf } from '../errors.js'
import { isDigest } from '../manifest/digest.js'
import { ArchiveContent, damaged, shown } from './archive-content.js'
import { decompressed } from './decompressed.js'

type Source = ExtractEvents['entry'][1]

/** Bounds of an archive. */
export interface ArchiveLimits {
  /** Bytes of all files together, decompressed. Default 64 GiB. */
  readonly maxBytes?: number | undefined
  /** Entries. Default 100,000. */
  readonly maxEntries?: number | undefined
}

/**
 * Stores all files of an archive as blobs, piece by piece as they come.
 *
 * @param added - Gets the digests of blobs that this stores, also when it fails.
 */
export async function readArchive(
  blobs: BlobStore,
  source: AsyncIterable<Uint8Array>,
  { maxBytes = 64 * 1024 ** 3, maxEntries = 100_000 }: ArchiveLimits,
  signal: AbortSignal | undefined,
  added: Set<string>,
): Promise<ArchiveContent> {
  const content = new ArchiveContent(blobs)
  const entries = extract()
  const options = signal === undefined ? {} : { signal }
  const input: Readable = await decompressed(source)
  const fed = pipeline(input, entries, options)
  fed.catch(() => undefined) // the iteration says the same
  let [count, bytes] = [0, 0]
  try {
    for await (const entry of entries) {
      bytes += entry.header.size
      if (++count > maxEntries || bytes > maxBytes)
        throw damaged(
          `it has more than ${count > maxEntries ? `${maxEntries} entries` : `${maxBytes} bytes`}`,
        )
      await readEntry(blobs, content, entry, added)
    }
    await fed
  } catch (error) {
    entries.destroy()
    if (signal?.aborted === true) throw abortError(signal)
    throw isRegistryError(error) ? error : damaged(messageOf(error))
  }
  return content
}

async function readEntry(
  blobs: BlobStore,
  content: ArchiveContent,
  entry: Source,
  added: Set<string>,
): Promise<void> {
  const { type, linkname, name: written, size } = entry.header
  const name = posix.normalize(written)
  if (type === 'file' || type === 'contiguous-file') {
    content.addFile(name, await store(blobs, name, size, entry as AsyncIterable<Uint8Array>, added))
    return
  }
  entry.resume()
  if (type === 'directory') return
  if (type !== 'symlink' && type !== 'link') throw damaged(`${shown(name)} is neither file, folder nor link`)
  content.addLink(name, linkname, type === 'symlink')
}

/** Files of a layout are named by their digest, which they must have. */
async function store(
  blobs: BlobStore,
  name: string,
  size: number,
  entry: AsyncIterable<Uint8Array>,
  added: Set<string>,
): Promise<Expected> {
  const [, algorithm = '', hex = ''] = /^blobs\/([^/]+)\/([^/]+)$/.exec(name) ?? []
  const digest = `${algorithm}:${hex}`
  if (!isDigest(digest)) {
    const stored = await blobs.add(entry)
    added.add(stored.digest)
    return stored
  }
  const expected = { digest, size }
  if (await blobs.has(expected)) {
    for await (const _ of entry) continue // what is here already has this digest
    return expected
  }
  added.add(digest)
  await blobs.write(expected, entry)
  return expected
}
