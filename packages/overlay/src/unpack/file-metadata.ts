import { closeSync, fstatSync } from 'node:fs'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, syscall, type Program, type Ref } from '@ctr/linux'
import type { Metadata } from '../archive/archive-entry.js'
import { refused } from '../archive/entry-name.js'
import { OverlayError, errnoOf } from '../errors.js'
import { kernelString, readable, type ByteString } from '../files/byte-string.js'
import { openName, pathOfFd } from '../files/open-in.js'
import type { ForeignMetadata } from './foreign-metadata.js'
import { timesOf } from './times.js'

/** Sets owner, extended attributes, permissions and time of what an archive packed. */
export class MetadataWriter {
  /** Files are made as root's already, so that root's own need no chown. */
  readonly #ownRoot: boolean
  readonly #foreign: ForeignMetadata | undefined
  readonly #umask: number | undefined

  /**
   * @param umask - What the kernel takes from the mode of a new file; undefined when more than that may change it.
   * @param ownRoot - True when a new file in the layer belongs to 0:0.
   * @param foreign - Takes what the caller has no privileges for.
   */
  constructor(ownRoot: boolean, foreign: ForeignMetadata | undefined, umask: number | undefined) {
    this.#ownRoot = ownRoot
    this.#foreign = foreign
    this.#umask = umask
  }

  /** Mode to make a file with: its own, where it comes out unchanged and gives nobody rights, so that it need not be set. */
  firstMode({ mode }: Metadata): number {
    const isUnchanged = this.#umask !== undefined && (mode & (this.#umask | 0o7000)) === 0
    return isUnchanged ? mode : 0o600
  }

  /** Of an open file or folder. Owner first, since chown(2) takes away setuid bits and capabilities. */
  toFd(fd: number, metadata: Metadata, path: ByteString): void {
    if (this.#foreign?.concerns(metadata) === true) {
      this.#foreign.toFd(fd, metadata, path)
      return
    }
    if (!this.#owned(metadata)) syscall('fchown', fd, metadata.uid, metadata.gid)
    for (const { name, value } of metadata.attributes) {
      attempt(name, path, true, () => syscall('fsetxattr', fd, kernelString(name), value, value.length, 0))
    }
    syscall('fchmod', fd, metadata.mode)
    syscall('utimensat', fd, null, timesOf(metadata), 0)
  }

  /** True when the caller lacks the privileges, so that it cannot be planned. */
  isForeign(metadata: Metadata): boolean {
    return this.#foreign?.concerns(metadata) === true
  }

  /** The calls of {@link toFd} for a file that was made with {@link firstMode}. */
  planFd(program: Program, fd: number | Ref, metadata: Metadata): void {
    if (!this.#owned(metadata)) program.call('fchown', [fd, metadata.uid, metadata.gid])
    for (const { name, value } of metadata.attributes) {
      program.call('fsetxattr', [fd, kernelString(name), value, value.length, 0])
    }
    if (this.firstMode(metadata) !== metadata.mode) program.call('fchmod', [fd, metadata.mode])
    program.call('utimensat', [fd, null, timesOf(metadata), 0])
  }

  /** The calls of {@link toName} for a symbolic link without attributes. */
  planLink(program: Program, folder: number | Ref, name: ByteString, metadata: Metadata): void {
    const at = kernelString(name)
    if (!this.#owned(metadata))
      program.call('fchownat', [folder, at, metadata.uid, metadata.gid, AT_SYMLINK_NOFOLLOW])
    program.call('utimensat', [folder, at, timesOf(metadata), AT_SYMLINK_NOFOLLOW])
  }

  /** Of a link, device or fifo, by its name in an open folder. A link is not followed, and has no mode. */
  toName(
    folder: number,
    name: ByteString,
    metadata: Metadata,
    path: ByteString,
    { isLink }: { isLink: boolean },
  ): void {
    if (this.#foreign?.concerns(metadata) === true) {
      this.#foreign.toName(folder, name, metadata, path, { isLink })
      return
    }
    const at = kernelString(name)
    if (!this.#owned(metadata))
      syscall('fchownat', folder, at, metadata.uid, metadata.gid, AT_SYMLINK_NOFOLLOW)
    for (const { name: key, value } of metadata.attributes) {
      const place = kernelString(`${pathOfFd(folder)}/${name}`)
      attempt(key, path, false, () => syscall('lsetxattr', place, kernelString(key), value, value.length, 0))
    }
    if (!isLink) changeMode(folder, name, metadata.mode)
    syscall('utimensat', folder, at, timesOf(metadata), AT_SYMLINK_NOFOLLOW)
  }

  #owned({ uid, gid }: Metadata): boolean {
    return this.#ownRoot && ((uid === 0 && gid === 0) || this.#foreign !== undefined)
  }
}

/** fchmodat(2) follows links, and what was made as a device may have become one: somebody else may be at it. */
function changeMode(folder: number, name: ByteString, mode: number): void {
  const fd = openName(folder, name)
  try {
    if (fstatSync(fd).isSymbolicLink()) throw refused(name, 'somebody else changes the layer meanwhile')
    syscall('fchmodat', AT_FDCWD, pathOfFd(fd), mode)
  } finally {
    closeSync(fd)
  }
}

/**
 * Sets one attribute. Links and special files take no `user.*` (xattr(7)), which other programs pass over
 * too; a file system without attributes would lose capabilities and is refused.
 */
function attempt(name: ByteString, path: ByteString, regular: boolean, set: () => void): void {
  try {
    set()
  } catch (error) {
    const errno = errnoOf(error)
    if (!regular && errno === 'EPERM' && name.startsWith('user.')) return
    if (errno !== 'EOPNOTSUPP') throw error
    if (!regular && name.startsWith('system.')) return
    throw new OverlayError(
      'ERR_OVERLAY_UNSUPPORTED',
      `cannot set ${readable(name)} of ${readable(path)}: the file system of the store has no such extended attributes`,
      { cause: error, path: readable(path) },
    )
  }
}
