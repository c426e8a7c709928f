import { closeSync, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH } from '@ctr/linux'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import { bytesOf, type ByteString } from '../files/byte-string.js'
import { openIn } from '../files/open-in.js'
import type { PathInTree } from '../files/path-in-tree.js'
import { resolveIn } from '../files/resolve-in.js'

/** A file or folder of a tree, as lstat(2) tells it. */
export interface FileStatus {
  /** Last component of the path that was asked for; `/` of the root, `.` where the path ends so. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Kind and permissions, `S_IF*` and `0o0000` to `0o7777`. */
  readonly mode: number
  /** Time of the last change of the content, in nanoseconds since 1970. */
  readonly mtimeNs: bigint
  /** Of a symbolic link, where it leads in the end: an absolute path in the tree. */
  readonly linkTarget: string | undefined
}

/** Opens the root of a tree, to be closed by the caller: a descriptor of its own. */
export function openRoot(root: string | number): number {
  const path = typeof root === 'string' ? root : `/proc/self/fd/${root}`
  try {
    return openSync(path, O_PATH | O_DIRECTORY | O_CLOEXEC)
  } catch (error) {
    throw systemError('open', path, error)
  }
}

/** A descriptor that only stands for a path of a tree. A link at its end is followed where a folder is meant. */
export function openPlace(root: number, { path, isFolder }: PathInTree, action: string): number {
  try {
    return openIn(root, path, O_PATH | (isFolder ? O_DIRECTORY : O_NOFOLLOW))
  } catch (error) {
    throw placeError(action, bytesOf(path).toString(), error)
  }
}

/** What is told of a place that is open. */
export function statusOf(root: number, place: number, { path, name }: PathInTree): FileStatus {
  const stat = fstatSync(place, { bigint: true })
  return {
    name: text(name),
    size: Number(stat.size),
    mode: Number(stat.mode),
    mtimeNs: stat.mtimeNs,
    linkTarget: isLink(stat) ? text(resolveIn(root, path)) : undefined,
  }
}

/** A path that cannot be is the caller's mistake, and no failure of the file system. */
export function placeError(action: string, path: string, error: unknown): unknown {
  const errno = errnoOf(error)
  if (errno !== 'ENOTDIR' && errno !== 'ELOOP' && errno !== 'ENAMETOOLONG')
    return systemError(action, path, error)
  const why = {
    ENOTDIR: 'not a directory',
    ELOOP: 'too many links on its way',
    ENAMETOOLONG: 'a name is too long',
  }[errno]
  return new OverlayError('ERR_OVERLAY_INVALID_ARG', `cannot ${action} ${path}: ${why}`, {
    cause: error,
    path,
  })
}

/** Closes a descriptor when a block ends, however that is. */
export function closing(fd: number): Disposable {
  return { [Symbol.dispose]: () => closeSync(fd) }
}

function isLink(stat: BigIntStats): boolean {
  return stat.isSymbolicLink()
}

function text(name: ByteString): string {
  return bytesOf(name).toString('utf8')
}
