import { closeSync, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fd, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY, syscall, syscallOr } from '@ctr/linux'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import { bytesOf, kernelString, type ByteString } from '../files/byte-string.js'
import { pathOfFd } from '../files/open-in.js'
import { names } from '../files/names.js'
import { openAsRoot, type StoreUserNamespace } from '../ids/user-namespace.js'
import type { OverlayDescription } from '../mount/description.js'
import { mountOverlay } from '../mount/mount-overlay.js'
import { isOpaque, isOpaqueInside, isWhiteout } from '../unpack/whiteouts.js'

/** One difference between a root file system and the layers below it. */
export interface Change {
  /** `A` added, `C` changed, `D` deleted: the letters of `docker diff`. */
  readonly kind: 'A' | 'C' | 'D'
  /** Absolute path in the root file system; bytes that are no UTF-8 show as U+FFFD. */
  readonly path: string
}

const deepest = 512
const perTurn = 500

/** Compares the upper folder of an overlay with what its lower folders show together. */
export async function upperChanges(
  description: OverlayDescription,
  namespace?: StoreUserNamespace,
): Promise<readonly Change[]> {
  const { lower, upper, userxattr } = description
  if (upper === undefined) return []
  // the kernel itself merges the lower folders; a single one needs no merging
  using merged = lower.length > 1 ? mountOverlay({ lower, userxattr }, namespace) : undefined
  using lowerRoot = new Fd(openSync(merged === undefined ? lower[0]! : pathOfFd(merged.number), rootFlags))
  using upperRoot = new Fd(openSync(upper, rootFlags))
  const found: { kind: Change['kind']; path: ByteString }[] = []
  let count = 0
  try {
    for (const step of new Comparison(namespace).compare(upperRoot.number, lowerRoot.number, '', 0)) {
      if (step !== undefined) found.push(step)
      if (++count % perTurn === 0) await nextTurn()
    }
  } catch (error) {
    throw systemError('compare', upper, error)
  }
  found.sort((a, b) => (a.path < b.path ? -1 : 1))
  return found.map(({ kind, path }) => ({ kind, path: bytesOf(path).toString('utf8') }))
}

const rootFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
const folderFlags = rootFlags | O_NOFOLLOW

type Step = { readonly kind: Change['kind']; readonly path: ByteString } | undefined

/** Compares trees; folders that an ordinary user may not read as root of its user namespace. */
class Comparison {
  readonly #namespace: StoreUserNamespace | undefined

  constructor(namespace: StoreUserNamespace | undefined) {
    this.#namespace = namespace
  }

  /** Walks one folder of the upper tree beside the same of the lower one, if there is one. True when they differ. */
  *compare(
    upper: number,
    lower: number | undefined,
    path: ByteString,
    depth: number,
  ): Generator<Step, boolean> {
    if (depth > deepest) {
      throw new OverlayError(
        'ERR_OVERLAY_LIMIT',
        `cannot compare ${path}: it lies more than ${deepest} levels deep`,
      )
    }
    let differ = false
    for (const name of names(upper)) {
      yield undefined
      differ = (yield* this.#compareName(upper, lower, name, `${path}/${name}`, depth)) || differ
    }
    if (lower === undefined || !this.#isOpaque(upper)) return differ
    // what an opaque folder hides and does not have itself
    for (const name of names(lower)) {
      yield undefined
      if (this.#stat(upper, name) !== undefined) continue
      differ = true
      yield { kind: 'D', path: `${path}/${name}` }
    }
    return differ
  }

  *#compareName(
    upper: number,
    lower: number | undefined,
    name: ByteString,
    path: ByteString,
    depth: number,
  ): Generator<Step, boolean> {
    const stat = this.#stat(upper, name)
    if (stat === undefined) return false // gone meanwhile
    const old = lower === undefined ? undefined : this.#stat(lower, name)
    if (isWhiteout({ mode: Number(stat.mode), rdev: Number(stat.rdev) })) {
      if (old === undefined) return false
      yield { kind: 'D', path }
      return true
    }
    if (!stat.isDirectory()) {
      yield { kind: old === undefined ? 'A' : 'C', path }
      return true
    }
    const upperFolder = this.#open(upper, name)
    const lowerFolder = old?.isDirectory() === true ? this.#open(lower!, name) : undefined
    try {
      const inside = yield* this.compare(upperFolder, lowerFolder, path, depth + 1)
      if (!inside && old !== undefined && sameFolder(stat, old)) return false
    } finally {
      closeSync(upperFolder)
      if (lowerFolder !== undefined) closeSync(lowerFolder)
    }
    yield { kind: old === undefined ? 'A' : 'C', path }
    return true
  }

  #stat(folder: number, name: ByteString): BigIntStats | undefined {
    const fd = this.#openAt(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
    if (fd === 'ENOENT') return undefined
    try {
      return fstatSync(fd, { bigint: true })
    } finally {
      closeSync(fd)
    }
  }

  #open(folder: number, name: ByteString): number {
    const fd = this.#openAt(folder, name, folderFlags)
    if (fd !== 'ENOENT') return fd
    throw new OverlayError('ERR_OVERLAY_NOT_FOUND', `cannot compare ${name}: it went away meanwhile`)
  }

  #openAt(folder: number, name: ByteString, flags: number): number | 'ENOENT' {
    const fd = syscallOr(['ENOENT', 'EACCES'], 'openat', folder, kernelString(name), flags, 0)
    if (fd !== 'EACCES') return fd
    if (this.#namespace === undefined) return syscall('openat', folder, kernelString(name), flags, 0)
    try {
      return openAsRoot(this.#namespace, folder, name, flags)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return 'ENOENT'
      throw error
    }
  }

  #isOpaque(folder: number): boolean {
    if (this.#namespace === undefined) return isOpaque(folder, 'trusted')
    try {
      return isOpaque(folder, 'user')
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error
      return isOpaqueInside(folder, this.#namespace)
    }
  }
}

/** A folder that was only copied up, because something in it was opened for example, is no change. */
function sameFolder(a: BigIntStats, b: BigIntStats): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.mtimeNs === b.mtimeNs
}
