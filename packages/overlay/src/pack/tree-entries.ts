import { closeSync, fstatSync, type BigIntStats } from 'node:fs'
import type { EntryKind } from '../archive/archive-entry.js'
import type { ExtendedAttribute } from '../archive/extended-attributes.js'
import { isKeptAttribute } from '../archive/extended-attributes.js'
import type { WrittenEntry } from '../archive/write-header.js'
import { OverlayError } from '../errors.js'
import { attributeNames, attributeOf } from '../files/attributes.js'
import { readable, type ByteString } from '../files/byte-string.js'
import { linkTarget } from '../files/link-target.js'
import { names } from '../files/names.js'
import { TreeAccess } from '../files/tree-access.js'
import { insideAttribute } from '../ids/inside-attribute.js'
import { insideIds, InsideIds, type OwnerMaps } from '../ids/inside-ids.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import type { MountStrategy } from '../mount/strategy.js'
import { isWhiteout, whiteoutPrefix } from '../unpack/whiteouts.js'

/** One entry of a tree, and the file that its content is in. */
export interface TreeEntry {
  readonly entry: WrittenEntry
  /** Descriptor of a file with content, to be read before the next entry is asked for. */
  readonly content: number | undefined
}

/** How a tree is read. */
export interface TreeOptions {
  /** True for the upper folder of an overlay: what it hides becomes whiteouts of a layer. */
  readonly isUpper: boolean
  readonly namespace?: StoreUserNamespace | undefined
  /** The maps of the user namespace that the files belong to, where nobody has to enter it to read them. */
  readonly owners?: OwnerMaps | undefined
  /** What wrote the upper folder. Default `'overlay'`. */
  readonly madeBy?: MountStrategy | undefined
  /** Only these differences, out of a tree that has everything. */
  readonly only?: Differences | undefined
}

/** What of a tree differs from another one, by paths without a slash at their beginning. */
export interface Differences {
  /** What is there, and the folders above it. */
  readonly present: ReadonlySet<ByteString>
  /** What is gone, by the folder that it was in. */
  readonly gone: ReadonlyMap<ByteString, readonly ByteString[]>
}

const deepest = 512

/**
 * The entries of a tree, its root first, a folder before what is in it, sorted by the bytes of their names. Names of
 * the same file after the first one are hard links. Sockets are left out, as no archive has them.
 *
 * @param root - Descriptor of the tree, to be listed; stays the caller's.
 * @throws {@link OverlayError} `ERR_OVERLAY_LIMIT`: more than 512 levels; `ERR_OVERLAY_INVALID_ARG`: in an upper
 *   folder, a name that would be a whiteout.
 */
export function treeEntries(root: number, options: TreeOptions): Generator<TreeEntry, void> {
  return new Tree(options).below([root], '', 0)
}

/**
 * The entries of what several folders show together as an overlay does: of each name the first folder that has it
 * counts, and whiteouts and opaque folders hide what comes after them.
 *
 * @param folders - Descriptors, the topmost first.
 */
export function mergedEntries(
  folders: readonly number[],
  options: Omit<TreeOptions, 'isUpper'>,
): Generator<TreeEntry, void> {
  const tree = new Tree({ ...options, isUpper: false, isMerged: true })
  return tree.below(tree.visible(folders), '', 0)
}

/** A tree while it is walked. */
export class Tree {
  readonly #access: TreeAccess
  readonly #ids: InsideIds | undefined
  readonly #isUpper: boolean
  readonly #isMerged: boolean
  readonly #only: Differences | undefined
  /** Where a file with several names was first. */
  readonly #first = new Map<string, ByteString>()

  constructor({
    isUpper,
    namespace,
    owners,
    madeBy,
    only,
    isMerged = false,
  }: TreeOptions & { readonly isMerged?: boolean }) {
    this.#only = only
    this.#access = new TreeAccess(namespace, madeBy)
    if (owners !== undefined) this.#ids = new InsideIds(owners)
    else this.#ids = namespace === undefined ? undefined : insideIds(namespace)
    this.#isUpper = isUpper
    this.#isMerged = isMerged
  }

  /** The folders that show: none below the first opaque one. */
  visible(folders: readonly number[]): readonly number[] {
    const last = folders.findIndex((folder) => this.#access.isOpaque(folder))
    return last === -1 ? folders : folders.slice(0, last + 1)
  }

  /** The folder itself, and everything in it. */
  *below(folders: readonly number[], path: ByteString, depth: number): Generator<TreeEntry, void> {
    if (depth > deepest) {
      throw new OverlayError(
        'ERR_OVERLAY_LIMIT',
        `cannot pack ${readable(path)}: it lies more than ${deepest} levels deep`,
      )
    }
    const top = folders[0]!
    const stat = fstatSync(top, { bigint: true })
    yield { entry: this.#entry(top, stat, path === '' ? './' : `${path}/`, 'directory'), content: undefined }
    const inside = path === '' ? '' : `${path}/`
    if (this.#isUpper && this.#access.isOpaque(top)) yield marker(`${inside}.wh..wh..opq`)
    for (const name of this.#only?.gone.get(path) ?? []) yield marker(`${inside}.wh.${name}`)
    const all = new Set(folders.flatMap((folder) => [...names(folder)]))
    for (const name of [...all].sort()) yield* this.#name(folders, name, `${inside}${name}`, depth)
  }

  *#name(
    folders: readonly number[],
    name: ByteString,
    path: ByteString,
    depth: number,
  ): Generator<TreeEntry, void> {
    if (this.#isMerged && name.startsWith(whiteoutPrefix)) return
    if (this.#access.isNote(name) || this.#only?.present.has(path) === false) return
    const opened: number[] = []
    try {
      const [folder, place] = this.#find(folders, name)
      if (place === undefined) return // gone meanwhile, or hidden
      opened.push(place)
      const stat = fstatSync(place, { bigint: true })
      const isHidden = isWhiteout({ mode: Number(stat.mode), rdev: Number(stat.rdev) })
      if (isHidden && this.#isMerged) return
      if (this.#isUpper && this.#access.hiddenBy(name) !== undefined) {
        yield marker(path)
        return
      }
      if (isHidden && this.#isUpper) {
        const parent = path.slice(0, path.length - name.length)
        yield marker(`${parent}.wh.${name}`)
        return
      }
      if ((this.#isUpper || this.#only !== undefined) && name.startsWith('.wh.')) throw noName(path)
      if (!stat.isDirectory()) {
        yield* this.file(place, stat, path)
        return
      }
      const inside = this.#sameFolders(folders.slice(folders.indexOf(folder)), name)
      opened.push(...inside)
      yield* this.below(this.visible(inside), path, depth + 1)
    } finally {
      for (const fd of opened) closeSync(fd)
    }
  }

  /** The first folder that has a name, and what it has. */
  #find(folders: readonly number[], name: ByteString): [folder: number, place: number | undefined] {
    for (const folder of folders) {
      const place = this.#access.openName(folder, name)
      if (place !== undefined) return [folder, place]
      if (this.#hides(folder, name)) break
    }
    return [folders[0]!, undefined]
  }

  /** True where a file beside it says that what lies below is gone. */
  #hides(folder: number, name: ByteString): boolean {
    return this.#isMerged && this.#access.stat(folder, whiteoutPrefix + name) !== undefined
  }

  /** The folders of one name, up to the first that has something else there. */
  #sameFolders(folders: readonly number[], name: ByteString): number[] {
    if (folders.length === 1) return [this.#access.openFolder(folders[0]!, name)]
    const found: number[] = []
    try {
      for (const folder of folders) {
        const stat = this.#access.stat(folder, name)
        if (stat?.isDirectory() === true) found.push(this.#access.openFolder(folder, name))
        if ((stat !== undefined && !stat.isDirectory()) || this.#hides(folder, name)) break
      }
      return found
    } catch (error) {
      for (const fd of found) closeSync(fd)
      throw error
    }
  }

  /** What is no folder. */
  *file(place: number, stat: BigIntStats, path: ByteString): Generator<TreeEntry, void> {
    const kind = kindOf(stat)
    if (kind === undefined) return
    const key = `${stat.dev}:${stat.ino}`
    const first = stat.nlink > 1n ? this.#first.get(key) : undefined
    if (first !== undefined) {
      yield { entry: { ...this.#entry(place, stat, path, 'hardlink'), target: first }, content: undefined }
      return
    }
    if (stat.nlink > 1n) this.#first.set(key, path)
    const entry = this.#entry(place, stat, path, kind)
    if (entry.size === 0) {
      yield { entry, content: undefined }
      return
    }
    const content = this.#access.openFile(place)
    try {
      yield { entry, content }
    } finally {
      closeSync(content)
    }
  }

  /** Owners are those that the tree has for its user namespace. */
  #entry(fd: number, stat: BigIntStats, path: ByteString, kind: EntryKind): WrittenEntry {
    const entry = entryOf(fd, stat, path, kind)
    const ids = this.#ids
    if (ids === undefined) return entry
    const attributes = entry.attributes.map(({ name, value }) => ({
      name,
      value: insideAttribute(name, value, ids),
    }))
    return { ...entry, uid: ids.uid(entry.uid), gid: ids.gid(entry.gid), attributes }
  }
}

function kindOf(stat: BigIntStats): EntryKind | undefined {
  if (stat.isFile()) return 'file'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isFIFO()) return 'fifo'
  if (stat.isCharacterDevice()) return 'character-device'
  return stat.isBlockDevice() ? 'block-device' : undefined
}

function entryOf(fd: number, stat: BigIntStats, path: ByteString, kind: EntryKind): WrittenEntry {
  const device = kind.endsWith('-device') ? stat.rdev : 0n
  return {
    kind,
    path,
    target: kind === 'symlink' ? linkTarget(fd) : '',
    size: kind === 'file' ? Number(stat.size) : 0,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeNs: stat.mtimeNs,
    attributes: kind === 'symlink' || kind === 'hardlink' ? [] : attributesOf(fd),
    // gnu_dev_major(3) and gnu_dev_minor(3)
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  }
}

function attributesOf(fd: number): ExtendedAttribute[] {
  return attributeNames(fd)
    .filter(isKeptAttribute)
    .flatMap((name) => {
      const value = attributeOf(fd, name)
      return value === undefined ? [] : [{ name, value }]
    })
}

/** An empty file whose name says what lower layers have that is gone. */
function marker(path: ByteString): TreeEntry {
  const nothing = { target: '', size: 0, uid: 0, gid: 0, mtimeNs: 0n, attributes: [], major: 0, minor: 0 }
  return { entry: { kind: 'file', path, mode: 0o600, ...nothing }, content: undefined }
}

function noName(path: ByteString): OverlayError {
  return new OverlayError(
    'ERR_OVERLAY_INVALID_ARG',
    `cannot pack ${readable(path)}: in a layer, names that begin with .wh. mean that a file is gone`,
    { path: readable(path) },
  )
}
