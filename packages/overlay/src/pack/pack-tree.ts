import { closeSync, openSync, readSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '@ctr/linux'
import { blockSize, paddingOf } from '../archive/block-size.js'
import { writeHeader } from '../archive/write-header.js'
import { abortError, OverlayError, systemError } from '../errors.js'
import { readable, type ByteString } from '../files/byte-string.js'
import { pathOfFd } from '../files/open-in.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { placeEntries, type Owner } from './place-entries.js'
import { mergedEntries, treeEntries, type TreeEntry, type TreeOptions } from './tree-entries.js'

/** Settings of {@link packTree}. */
export interface PackTreeOptions {
  /** Ends the work: the stream fails with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
  /** For a caller without privileges: a user namespace in which the owners of the files are mapped. */
  readonly namespace?: StoreUserNamespace | undefined
}

const chunkSize = 256 * 1024

/**
 * Packs a whole tree as a plain tar: files, folders, links, hard links, devices and fifos, with owners, permissions,
 * times to the nanosecond, capabilities, ACLs and `user.*` attributes. Holes of sparse files are packed as zeros,
 * sockets left out. Links are not followed. The same tree gives the same bytes.
 *
 * @param folder - A path, or a descriptor of a folder, of a detached mount for example. It stays the caller's, and must
 *   be open until the stream ends.
 * @returns The tar. Errors of the file system come out of it as {@link OverlayError}; a file that becomes shorter while
 *   it is packed is one.
 *
 * @example
 * await pipeline(packTree('/srv/www'), createWriteStream('www.tar'))
 */
export function packTree(folder: string | number, { signal, namespace }: PackTreeOptions = {}): Readable {
  return tarStream(() => folder, { isUpper: false, namespace }, signal)
}

/**
 * The same as a stream of what `open` gives when it is first read.
 *
 * @param close - Called when the stream ends, however that is.
 */
export function tarStream(
  open: () => string | number,
  options: TreeOptions,
  signal: AbortSignal | undefined,
  close: () => void = () => undefined,
): Readable {
  const entries = ([root]: readonly number[]): Iterable<TreeEntry> => treeEntries(root!, options)
  return streamOf(() => [open()], entries, signal, close)
}

/**
 * What several folders show together, as a plain tar.
 *
 * @param folders - From the bottom to the top, as overlays are described.
 */
export function mergedTarStream(
  folders: readonly string[],
  options: Omit<TreeOptions, 'isUpper'>,
  signal?: AbortSignal,
): Readable {
  return streamOf(
    () => [...folders].reverse(),
    (roots) => mergedEntries(roots, options),
    signal,
  )
}

/**
 * A file, or a folder with everything in it, as a plain tar.
 *
 * @param place - Descriptor that stands for it; closed when the stream ends.
 * @param name - What it is called in the tar.
 */
export function placeTarStream(
  place: number,
  name: ByteString,
  { owner, signal }: { readonly owner: Owner | undefined; readonly signal: AbortSignal | undefined },
): Readable {
  const stream = streamOf(
    () => [],
    () => placeEntries(place, name, owner),
    signal,
  )
  // also when nobody has read anything of it
  stream.once('close', () => {
    closeSync(place)
  })
  return stream
}

function streamOf(
  open: () => readonly (string | number)[],
  entries: (roots: readonly number[]) => Iterable<TreeEntry>,
  signal: AbortSignal | undefined,
  close: () => void = () => undefined,
): Readable {
  return Readable.from(chunksOf(open, entries, signal, close), {
    objectMode: false,
    highWaterMark: chunkSize,
  })
}

async function* chunksOf(
  open: () => readonly (string | number)[],
  entries: (roots: readonly number[]) => Iterable<TreeEntry>,
  signal: AbortSignal | undefined,
  close: () => void,
): AsyncGenerator<Buffer, void> {
  const roots: number[] = []
  let place = 'the tree'
  try {
    refuseAborted(signal)
    for (const folder of open()) {
      place = typeof folder === 'string' ? folder : place
      const path = typeof folder === 'string' ? folder : pathOfFd(folder)
      roots.push(openSync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    }
    for (const chunk of tarChunks(entries(roots))) {
      refuseAborted(signal)
      yield chunk
      await nextTurn()
    }
  } catch (error) {
    throw systemError('pack', place, error)
  } finally {
    for (const root of roots) closeSync(root)
    close()
  }
}

/** Headers, content, padding and the end marker, in chunks of one size. */
function* tarChunks(entries: Iterable<TreeEntry>): Generator<Buffer, void> {
  let chunk = Buffer.allocUnsafe(chunkSize)
  let filled = 0
  function* add(bytes: Buffer): Generator<Buffer, void> {
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(chunk, filled, at)
      at += copied
      filled += copied
      if (filled === chunkSize) yield* full()
    }
  }
  function* full(): Generator<Buffer, void> {
    yield chunk
    chunk = Buffer.allocUnsafe(chunkSize)
    filled = 0
  }
  for (const { entry, content } of entries) {
    yield* add(writeHeader(entry))
    if (content === undefined) continue
    for (let left = entry.size; left > 0;) {
      const length = readSync(content, chunk, filled, Math.min(left, chunkSize - filled), null)
      if (length === 0) throw shorter(entry.path)
      left -= length
      filled += length
      if (filled === chunkSize) yield* full()
    }
    yield* add(Buffer.alloc(paddingOf(entry.size)))
  }
  yield* add(Buffer.alloc(2 * blockSize))
  if (filled > 0) yield chunk.subarray(0, filled)
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal)
}

function shorter(path: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_IO', `cannot pack ${readable(path)}: it became shorter meanwhile`, {
    path: readable(path),
  })
}
