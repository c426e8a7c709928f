import { closeSync, constants, fstatSync, openSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, out, S_IFMT, S_IFREG } from '@ctr/linux'
import { OverlayError, systemError } from '../errors.js'
import { byteStringOf } from './byte-string.js'
import { openIn, pathOfFd } from './open-in.js'
import { inside, openInside } from './open-inside.js'

const readAsync = promisify(read)

/** Settings of {@link readFileIn}. */
export interface ReadFileInOptions {
  /** A longer file is refused. In bytes, default 16 MiB. */
  readonly maxBytes?: number | undefined
  /**
   * Descriptor of a user namespace of the caller's, where only its members can come to the tree: what fuse-overlayfs
   * has mounted.
   */
  readonly userNamespace?: number | undefined
}

/**
 * Reads a regular file of a tree that is not trusted, a container's root for example.
 *
 * The path is resolved as a process with that root would: absolute links and `..` never lead out, and links of
 * `/proc` are not followed. Devices, fifos and sockets are not opened.
 *
 * @param root - The tree: a path that is trusted, or a descriptor of its root folder (a detached mount too).
 * @param path - Path in the tree; a leading slash means nothing.
 * @returns The whole content.
 * @throws {@link OverlayError}
 *   - `ERR_OVERLAY_NOT_FOUND`: no such file.
 *   - `ERR_OVERLAY_INVALID_ARG`: it is no regular file.
 *   - `ERR_OVERLAY_LIMIT`: it is longer than `maxBytes`.
 * @see {@link https://man7.org/linux/man-pages/man2/openat2.2.html} `RESOLVE_IN_ROOT`
 *
 * @example
 * const users = (await readFileIn('/srv/tree', '/etc/passwd')).toString()
 */
export async function readFileIn(
  root: string | number,
  path: string,
  { maxBytes = 16 * 2 ** 20, userNamespace }: ReadFileInOptions = {},
): Promise<Buffer> {
  const { fd, size } = openRegular(root, path, userNamespace)
  try {
    // one byte more than it should have, to notice that it grows
    const buffer = Buffer.allocUnsafe(Math.min(Math.max(size, 4095), maxBytes) + 1)
    let filled = 0
    let bytes = buffer
    for (;;) {
      const { bytesRead } = await readAsync(fd, bytes, filled, bytes.length - filled, null)
      if (bytesRead === 0) return bytes.subarray(0, filled)
      filled += bytesRead
      if (filled > maxBytes || size > maxBytes) throw tooLong(path, maxBytes)
      if (filled === bytes.length) bytes = grown(bytes, maxBytes)
    }
  } catch (error) {
    throw systemError('read', path, error)
  } finally {
    closeSync(fd)
  }
}

interface OpenFile {
  readonly fd: number
  readonly size: number
}

function openRegular(root: string | number, path: string, userNamespace: number | undefined): OpenFile {
  let folder: number | undefined
  let place: number | undefined
  try {
    folder = typeof root === 'string' ? openSync(root, O_PATH | O_DIRECTORY) : undefined
    const at = folder ?? (root as number)
    if (userNamespace !== undefined) {
      place = openInside(at, byteStringOf(path), O_PATH, userNamespace)
      return reopenInside(place, path, userNamespace)
    }
    place = openIn(at, byteStringOf(path), O_PATH)
    const stat = fstatSync(place)
    if (!stat.isFile()) throw notRegular(path)
    return { fd: openSync(pathOfFd(place), readFlags), size: stat.size }
  } catch (error) {
    throw systemError('read', path, error)
  } finally {
    if (place !== undefined) closeSync(place)
    if (folder !== undefined) closeSync(folder)
  }
}

const readFlags = constants.O_RDONLY | constants.O_NONBLOCK

/** Not even what kind of file it is, or how long, is told to those outside. */
function reopenInside(place: number, path: string, userNamespace: number): OpenFile {
  const stat = Buffer.alloc(256) // struct statx: mode at 28, size at 40
  inside(userNamespace, (program) =>
    program.call('statx', [place, '', AT_EMPTY_PATH, STATX_BASIC_STATS, out(stat)]),
  )
  if ((stat.readUInt16LE(28) & S_IFMT) !== S_IFREG) throw notRegular(path)
  const fd = inside(userNamespace, (program) =>
    program.call('openat', [AT_FDCWD, pathOfFd(place), readFlags | O_CLOEXEC, 0]),
  )
  return { fd, size: Number(stat.readBigUInt64LE(40)) }
}

const STATX_BASIC_STATS = 0x7ff

function notRegular(path: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_INVALID_ARG', `cannot read ${path}: it is no regular file`, { path })
}

function grown(bytes: Buffer, maxBytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(Math.min(bytes.length * 2, maxBytes + 1))
  bytes.copy(larger)
  return larger
}

function tooLong(path: string, maxBytes: number): OverlayError {
  return new OverlayError('ERR_OVERLAY_LIMIT', `cannot read ${path}: it has more than ${maxBytes} bytes`, {
    path,
  })
}
