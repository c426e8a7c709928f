import { closeSync, fstatSync, type BigIntStats } from 'node:fs'
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  syscall,
  syscallOr,
} from '@ctr/linux'
import { errnoOf, OverlayError } from '../errors.js'
import { openAsRoot, type StoreUserNamespace } from '../ids/user-namespace.js'
import type { MountStrategy } from '../mount/strategy.js'
import { isOpaque, isOpaqueInside, whiteoutPrefix } from '../unpack/whiteouts.js'
import { kernelString, readable, type ByteString } from './byte-string.js'
import { pathOfFd } from './open-in.js'

/** What fuse-overlayfs puts in a folder whose lower ones do not show. */
const opaqueMarker = '.wh..wh..opq'

/** Reads a tree by descriptors, without following links: what an ordinary user may not read as root of its user namespace. */
export class TreeAccess {
  readonly #namespace: StoreUserNamespace | undefined
  readonly #madeBy: MountStrategy

  /** @param madeBy - What wrote the upper folders among what is read. */
  constructor(namespace: StoreUserNamespace | undefined, madeBy: MountStrategy = 'overlay') {
    this.#namespace = namespace
    this.#madeBy = madeBy
  }

  /** What `name` is, or `undefined` when it is gone. */
  stat(folder: number, name: ByteString): BigIntStats | undefined {
    const fd = this.openName(folder, name)
    if (fd === undefined) return undefined
    try {
      return fstatSync(fd, { bigint: true })
    } finally {
      closeSync(fd)
    }
  }

  /** A descriptor that only stands for `name`, or `undefined` when it is gone. */
  openName(folder: number, name: ByteString): number | undefined {
    return this.#open(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
  }

  /** A folder, to be listed. */
  openFolder(folder: number, name: ByteString): number {
    const fd = this.#open(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if (fd !== undefined) return fd
    throw new OverlayError('ERR_OVERLAY_NOT_FOUND', `cannot read ${readable(name)}: it went away meanwhile`)
  }

  /** The regular file that a descriptor stands for, to be read. */
  openFile(place: number): number {
    return this.#open(AT_FDCWD, pathOfFd(place), O_RDONLY | O_NONBLOCK | O_CLOEXEC)!
  }

  /** True for a folder whose lower ones do not show. */
  isOpaque(folder: number): boolean {
    if (this.#madeBy === 'copy') return true
    if (this.#madeBy === 'fuse-overlayfs' && this.stat(folder, opaqueMarker) !== undefined) return true
    if (this.#namespace === undefined) return isOpaque(folder, 'trusted')
    try {
      return isOpaque(folder, 'user')
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error
      return isOpaqueInside(folder, this.#namespace)
    }
  }

  /** True for names that are notes of fuse-overlayfs about their folder, and no files of the tree. */
  isNote(name: ByteString): boolean {
    return this.#madeBy === 'fuse-overlayfs' && (name === opaqueMarker || name === '.wh..opq')
  }

  /** What a file of this name says is gone, in an upper folder of fuse-overlayfs. */
  hiddenBy(name: ByteString): ByteString | undefined {
    if (this.#madeBy !== 'fuse-overlayfs' || !name.startsWith(whiteoutPrefix)) return undefined
    return name.slice(whiteoutPrefix.length)
  }

  #open(folder: number, name: ByteString, flags: number): number | undefined {
    const fd = syscallOr(['ENOENT', 'EACCES'], 'openat', folder, kernelString(name), flags, 0)
    if (fd === 'ENOENT') return undefined
    if (fd !== 'EACCES') return fd
    if (this.#namespace === undefined) return syscall('openat', folder, kernelString(name), flags, 0)
    try {
      return openAsRoot(this.#namespace, folder, name, flags)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  }
}
