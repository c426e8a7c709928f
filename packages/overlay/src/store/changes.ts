import { closeSync, openSync, type BigIntStats } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fd, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '@ctr/linux'
import { OverlayError, systemError } from '../errors.js'
import { isKeptAttribute } from '../archive/extended-attributes.js'
import { attributeNames, attributeOf } from '../files/attributes.js'
import { linkTarget } from '../files/link-target.js'
import { bytesOf, type ByteString } from '../files/byte-string.js'
import { names } from '../files/names.js'
import { TreeAccess } from '../files/tree-access.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import type { MountStrategy } from '../mount/strategy.js'
import type { Differences } from '../pack/tree-entries.js'
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

/** A difference with its path as it is on disk. */
interface Found {
  readonly kind: Change['kind']
  readonly path: ByteString
}

/** What is compared. */
export interface Compared {
  /** The folder that was written to: the upper one of an overlay, or a whole tree. */
  readonly upper: string
  /** What was there before, as one tree. */
  readonly lower: string
  /** What wrote the upper folder; `'copy'` for a whole tree. */
  readonly madeBy: MountStrategy
  readonly namespace: StoreUserNamespace | undefined
}

/** Compares the upper folder of an overlay with what its lower folders show together, or two trees. */
export async function changesOf(compared: Compared): Promise<readonly Change[]> {
  const found = await compareTrees(compared, false)
  return found.map(({ kind, path }) => ({ kind, path: bytesOf(path).toString('utf8') }))
}

/**
 * The same as what a layer of these changes holds: with every file the folders above it, and all that differs in any
 * way. A file whose content is another counts as the same only if size and time were made so.
 */
export async function differencesOf(compared: Compared): Promise<Differences> {
  const present = new Set<ByteString>()
  const gone = new Map<ByteString, ByteString[]>()
  for (const { kind, path } of await compareTrees(compared, true)) {
    const parts = path.slice(1).split('/')
    const name = parts.pop()!
    parts.forEach((_, index) => present.add(parts.slice(0, index + 1).join('/')))
    const parent = parts.join('/')
    if (kind !== 'D') present.add(path.slice(1))
    else gone.set(parent, [...(gone.get(parent) ?? []), name])
  }
  return { present, gone }
}

async function compareTrees(
  { upper, lower, madeBy, namespace }: Compared,
  exact: boolean,
): Promise<readonly Found[]> {
  using lowerRoot = new Fd(openSync(lower, rootFlags))
  using upperRoot = new Fd(openSync(upper, rootFlags))
  const found: Found[] = []
  let count = 0
  try {
    const comparison = new Comparison(namespace, madeBy, exact)
    for (const step of comparison.compare(upperRoot.number, lowerRoot.number, '', 0)) {
      if (step !== undefined) found.push(step)
      if (++count % perTurn === 0) await nextTurn()
    }
    found.push(...comparison.otherNames())
  } catch (error) {
    throw systemError('compare', upper, error)
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const rootFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

type Step = Found | undefined

/** Compares trees as Docker does: by what is seen of each file, and by its capabilities. */
class Comparison {
  readonly #access: TreeAccess
  readonly #exact: boolean
  /** Files with several names, by what they are. */
  readonly #linked = new Map<string, { readonly same: ByteString[]; differs: boolean }>()

  constructor(namespace: StoreUserNamespace | undefined, madeBy: MountStrategy, exact: boolean) {
    this.#exact = exact
    this.#access = new TreeAccess(namespace, madeBy)
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
    if (this.#access.isNote(name)) return false
    const hidden = this.#access.hiddenBy(name)
    if (hidden !== undefined) return yield* this.#hidden(upper, lower, hidden, path.slice(0, -name.length))
    const stat = this.#access.stat(upper, name)
    if (stat === undefined) return false // gone meanwhile
    const old = lower === undefined ? undefined : this.#access.stat(lower, name)
    if (isWhiteout({ mode: Number(stat.mode), rdev: Number(stat.rdev) })) {
      if (old === undefined) return false
      yield { kind: 'D', path }
      return true
    }
    if (!stat.isDirectory()) {
      const same = old !== undefined && this.#isSame(upper, lower!, name, stat, old)
      if (this.#exact && stat.nlink > 1n) this.#noteLink(stat, path, same)
      if (same) return false
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

  /** A file that says of another that it is gone; not if that is there again. */
  *#hidden(
    upper: number,
    lower: number | undefined,
    name: ByteString,
    parent: ByteString,
  ): Generator<Step, boolean> {
    if (lower === undefined || this.#access.stat(lower, name) === undefined) return false
    if (this.#access.stat(upper, name) !== undefined) return false
    yield { kind: 'D', path: parent + name }
    return true
  }

  /**
   * True when a file that was copied up is as before. Sizes and times of folders say nothing, since whatever happens
   * in them changes these.
   */
  #isSame(upper: number, lower: number, name: ByteString, stat: BigIntStats, old: BigIntStats): boolean {
    if (stat.mode !== old.mode || stat.uid !== old.uid || stat.gid !== old.gid || stat.rdev !== old.rdev)
      return false
    if (this.#exact && !this.#isSameExactly(upper, lower, name, stat, old)) return false
    if (stat.isDirectory()) return true
    if (stat.size !== old.size || !isSameTime(stat.mtimeNs, old.mtimeNs)) return false
    return !stat.isFile() || this.#capabilities(upper, name) === this.#capabilities(lower, name)
  }

  #noteLink({ dev, ino }: BigIntStats, path: ByteString, same: boolean): void {
    const key = `${dev}:${ino}`
    const file = this.#linked.get(key) ?? { same: [], differs: false }
    if (same) file.same.push(path)
    else file.differs = true
    this.#linked.set(key, file)
  }

  /** Names of files that are the same but for other names of theirs: a layer needs all of them, or none. */
  *otherNames(): Generator<Found> {
    for (const { same, differs } of this.#linked.values()) {
      if (differs) for (const path of same) yield { kind: 'C', path }
    }
  }

  /** Times of folders, extended attributes, and hard links, which are made of several names. */
  #isSameExactly(
    upper: number,
    lower: number,
    name: ByteString,
    stat: BigIntStats,
    old: BigIntStats,
  ): boolean {
    if (stat.mtimeNs !== old.mtimeNs) return false
    if (!stat.isDirectory() && stat.nlink !== old.nlink) return false
    if (stat.isSymbolicLink()) return this.#target(upper, name) === this.#target(lower, name)
    return this.#attributes(upper, name) === this.#attributes(lower, name)
  }

  #target(folder: number, name: ByteString): ByteString {
    return this.#with(folder, name, linkTarget) ?? ''
  }

  #attributes(folder: number, name: ByteString): string {
    const list = (fd: number): string =>
      attributeNames(fd)
        .filter(isKeptAttribute)
        .sort()
        .map((attribute) => `${attribute} ${attributeOf(fd, attribute)?.toString('latin1') ?? ''}`)
        .join('\0')
    return this.#with(folder, name, list) ?? ''
  }

  #with<T>(folder: number, name: ByteString, use: (fd: number) => T): T | undefined {
    const fd = this.#access.openName(folder, name)
    if (fd === undefined) return undefined
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  }

  #capabilities(folder: number, name: ByteString): string | undefined {
    return this.#with(folder, name, (fd) => attributeOf(fd, 'security.capability')?.toString('latin1'))
  }
}

/** Some programs copy files with whole seconds only, which is no change. */
function isSameTime(a: bigint, b: bigint): boolean {
  const second = 1_000_000_000n
  return a === b || (a / second === b / second && (a % second === 0n || b % second === 0n))
}
