import { closeSync, openSync, type BigIntStats } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fd, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '@ctr/linux'
import { OverlayError, systemError } from '../errors.js'
import { attributeOf } from '../files/attributes.js'
import { bytesOf, type ByteString } from '../files/byte-string.js'
import { names } from '../files/names.js'
import { pathOfFd } from '../files/open-in.js'
import { TreeAccess } from '../files/tree-access.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import type { OverlayDescription } from '../mount/description.js'
import { mountOverlay } from '../mount/mount-overlay.js'
import { isWhiteout } from '../unpack/whiteouts.js'

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

type Step = { readonly kind: Change['kind']; readonly path: ByteString } | undefined

/** Compares trees as Docker does: by what is seen of each file, and by its capabilities. */
class Comparison {
  readonly #access: TreeAccess

  constructor(namespace: StoreUserNamespace | undefined) {
    this.#access = new TreeAccess(namespace)
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
    if (lower === undefined || !this.#access.isOpaque(upper)) return differ
    // what an opaque folder hides and does not have itself
    for (const name of names(lower)) {
      yield undefined
      if (this.#access.stat(upper, name) !== undefined) continue
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
    const stat = this.#access.stat(upper, name)
    if (stat === undefined) return false // gone meanwhile
    const old = lower === undefined ? undefined : this.#access.stat(lower, name)
    if (isWhiteout({ mode: Number(stat.mode), rdev: Number(stat.rdev) })) {
      if (old === undefined) return false
      yield { kind: 'D', path }
      return true
    }
    if (!stat.isDirectory()) {
      if (old !== undefined && this.#isSame(upper, lower!, name, stat, old)) return false
      yield { kind: old === undefined ? 'A' : 'C', path }
      return true
    }
    const upperFolder = this.#access.openFolder(upper, name)
    const lowerFolder = old?.isDirectory() === true ? this.#access.openFolder(lower!, name) : undefined
    try {
      const inside = yield* this.compare(upperFolder, lowerFolder, path, depth + 1)
      if (!inside && old !== undefined && this.#isSame(upper, lower!, name, stat, old)) return false
    } finally {
      closeSync(upperFolder)
      if (lowerFolder !== undefined) closeSync(lowerFolder)
    }
    yield { kind: old === undefined ? 'A' : 'C', path }
    return true
  }

  /**
   * True when a file that was copied up is as before. Sizes and times of folders say nothing, since whatever happens
   * in them changes these.
   */
  #isSame(upper: number, lower: number, name: ByteString, stat: BigIntStats, old: BigIntStats): boolean {
    if (stat.mode !== old.mode || stat.uid !== old.uid || stat.gid !== old.gid || stat.rdev !== old.rdev)
      return false
    if (stat.isDirectory()) return true
    if (stat.size !== old.size || !isSameTime(stat.mtimeNs, old.mtimeNs)) return false
    return !stat.isFile() || this.#capabilities(upper, name) === this.#capabilities(lower, name)
  }

  #capabilities(folder: number, name: ByteString): string | undefined {
    const fd = this.#access.openName(folder, name)
    if (fd === undefined) return undefined
    try {
      return attributeOf(fd, 'security.capability')?.toString('latin1')
    } finally {
      closeSync(fd)
    }
  }
}

/** Some programs copy files with whole seconds only, which is no change. */
function isSameTime(a: bigint, b: bigint): boolean {
  const second = 1_000_000_000n
  return a === b || (a / second === b / second && (a % second === 0n || b % second === 0n))
}
