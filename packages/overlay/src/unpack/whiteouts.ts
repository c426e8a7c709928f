import { closeSync, fstatSync, type Stats } from 'node:fs'
import {
  O_CLOEXEC,
  O_CREAT,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  out,
  S_IFCHR,
  S_IFMT,
  syscall,
  syscallOr,
} from '@ctr/linux'
import { asRoot, type StoreUserNamespace } from '../ids/user-namespace.js'
import { kernelString, type ByteString } from '../files/byte-string.js'
import { openName, pathOfFd } from '../files/open-in.js'

/**
 * Where overlayfs keeps its notes: attributes that only root can set, or of a mount with `userxattr` those that the
 * owner of a file can.
 */
export type NoteScope = 'trusted' | 'user'

const opaqueAttribute = (scope: NoteScope): string => `${scope}.overlay.opaque`
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
export function hideLower(folder: number, scope: NoteScope): void {
  // by way of /proc, since a descriptor opened with O_PATH takes no attributes
  syscall('setxattr', pathOfFd(folder), opaqueAttribute(scope), yes, yes.length, 0)
}

/** True for a folder that {@link hideLower} marked. */
export function isOpaque(folder: number, scope: NoteScope): boolean {
  const value = Buffer.alloc(8)
  const length = syscallOr(
    noNote,
    'getxattr',
    pathOfFd(folder),
    opaqueAttribute(scope),
    out(value),
    value.length,
  )
  return isYes(length, value)
}

/** The same of a folder that the caller may not read, as root of the namespace that its owner is in. */
export function isOpaqueInside(folder: number, namespace: StoreUserNamespace): boolean {
  const value = Buffer.alloc(8)
  const length = asRoot(namespace, (program) =>
    program.call('getxattr', [pathOfFd(folder), opaqueAttribute('user'), out(value), value.length], {
      tolerate: noNote,
    }),
  )
  return isYes(length, value)
}

const noNote = ['ENODATA', 'EOPNOTSUPP', 'ERANGE'] as const

function isYes(length: number | string, value: Buffer): boolean {
  return length === 1 && value[0] === yes[0]
}

/** Before the name of a file that is gone: as in layers, and on disk where no device 0/0 can be made. */
export const whiteoutPrefix = '.wh.'

/**
 * Puts a whiteout at `name`. On a file system that refuses such devices, an overlay for one, it is a file `.wh.NAME`,
 * which fuse-overlayfs knows; the kernel's overlays are refused there anyway. What the same layer has at that name stays, because a whiteout is about lower
 * layers only; of a folder their content is hidden.
 */
export function putWhiteout(folder: number, name: ByteString, scope: NoteScope): void {
  const made = syscallOr(['EEXIST', 'EPERM'], 'mknodat', folder, kernelString(name), S_IFCHR, 0)
  if (made === 'EPERM') {
    const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC
    closeSync(syscall('openat', folder, kernelString(whiteoutPrefix + name), flags, 0o600))
  }
  if (made !== 'EEXIST' && (made !== 'EPERM' || !hasName(folder, name))) return
  const fd = openName(folder, name)
  try {
    if (fstatSync(fd).isDirectory()) hideLower(fd, scope)
  } finally {
    closeSync(fd)
  }
}

function hasName(folder: number, name: ByteString): boolean {
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC
  const fd = syscallOr(['ENOENT'], 'openat', folder, kernelString(name), flags, 0)
  if (fd === 'ENOENT') return false
  closeSync(fd)
  return true
}
