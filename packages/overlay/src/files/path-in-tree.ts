import { posix } from 'node:path'
import { OverlayError } from '../errors.js'
import { byteStringOf, type ByteString } from './byte-string.js'

/** A path of a tree, read as Docker reads those of containers. */
export interface PathInTree {
  /** Absolute; `..` was taken out as text, before any link is followed. */
  readonly path: ByteString
  /** It ends in a slash or a dot: a folder is meant, and of a link what it leads to. */
  readonly isFolder: boolean
  /** What it is called: its last component; `/` of the root, `.` where it ends so. */
  readonly name: ByteString
}

/** @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG`: it is empty, or holds NUL. */
export function pathInTree(text: string): PathInTree {
  if (text === '' || text.includes('\0')) {
    throw new OverlayError(
      'ERR_OVERLAY_INVALID_ARG',
      `cannot use the path ${JSON.stringify(text)}: a path is not empty and has no NUL`,
    )
  }
  const path = posix.resolve('/', text)
  const isDot = posix.basename(text) === '.'
  const name = isDot ? '.' : path === '/' ? '/' : posix.basename(path)
  return { path: byteStringOf(path), isFolder: isDot || text.endsWith('/'), name: byteStringOf(name) }
}
