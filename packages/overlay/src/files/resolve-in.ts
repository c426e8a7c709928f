import { closeSync, fstatSync } from 'node:fs'
import { posix } from 'node:path'
import { O_NOFOLLOW, O_PATH } from '@ctr/linux'
import { errnoOf, OverlayError } from '../errors.js'
import { readable, type ByteString } from './byte-string.js'
import { linkTarget } from './link-target.js'
import { openIn } from './open-in.js'

/** Links followed on the way, as Docker has it. */
const mostLinks = 255

/**
 * Where a path of a tree leads, all links on its way followed: an absolute path in the tree. What is missing stays as
 * it is written.
 *
 * For people and for comparing names: whoever opens the result must do so inside the tree again.
 *
 * @param root - Descriptor of the tree's root.
 * @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG`: the links go round in circles.
 */
export function resolveIn(root: number, path: ByteString): ByteString {
  const ahead = path.split('/')
  let way = '/'
  let links = 0
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    const next = posix.join(way, name)
    const target = name === '' || name === '.' || name === '..' ? undefined : targetOf(root, next)
    if (target === undefined) {
      way = next
      continue
    }
    if (++links > mostLinks) {
      throw new OverlayError(
        'ERR_OVERLAY_INVALID_ARG',
        `cannot resolve ${readable(path)}: too many links on its way`,
      )
    }
    if (target.startsWith('/')) way = '/'
    ahead.unshift(...target.split('/'))
  }
  return way
}

/** What the link at a path without links says; undefined where there is no link. */
function targetOf(root: number, path: ByteString): ByteString | undefined {
  let fd: number
  try {
    fd = openIn(root, path, O_PATH | O_NOFOLLOW)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
  try {
    return fstatSync(fd).isSymbolicLink() ? linkTarget(fd) : undefined
  } finally {
    closeSync(fd)
  }
}
