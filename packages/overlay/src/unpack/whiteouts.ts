import { closeSync, fstatSync, type Stats } from 'node:fs'
import { out, S_IFCHR, S_IFMT, syscall, syscallOr } from '@ctr/linux'
import { kernelString, type ByteString } from '../files/byte-string.js'
import { openName, pathOfFd } from '../files/open-in.js'

const opaqueAttribute = 'trusted.overlay.opaque'
const yes = Buffer.from('y')

/** True for what overlayfs takes as a whiteout: a character device 0/0. */
export function isWhiteout(stat: Pick<Stats, 'mode' | 'rdev'>): boolean {
  return (stat.mode & S_IFMT) === S_IFCHR && stat.rdev === 0
}

/**
 * Marks a folder opaque: what lower layers have in it does not show.
 *
 * @param folder - Any descriptor of the folder.
 * @see {@link https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories}
 */
export function hideLower(folder: number): void {
  // by way of /proc, since a descriptor opened with O_PATH takes no attributes
  syscall('setxattr', pathOfFd(folder), opaqueAttribute, yes, yes.length, 0)
}

/** True for a folder that {@link hideLower} marked. */
export function isOpaque(folder: number): boolean {
  const value = Buffer.alloc(8)
  const length = syscallOr(
    ['ENODATA', 'EOPNOTSUPP', 'ERANGE'],
    'getxattr',
    pathOfFd(folder),
    opaqueAttribute,
    out(value),
    value.length,
  )
  return length === 1 && value[0] === yes[0]
}

/**
 * Puts a whiteout at `name`. What the same layer has at that name stays, because a whiteout is about lower
 * layers only; of a folder their content is hidden.
 */
export function putWhiteout(folder: number, name: ByteString): void {
  if (syscallOr(['EEXIST'], 'mknodat', folder, kernelString(name), S_IFCHR, 0) !== 'EEXIST') return
  const fd = openName(folder, name)
  try {
    if (fstatSync(fd).isDirectory()) hideLower(fd)
  } finally {
    closeSync(fd)
  }
}
