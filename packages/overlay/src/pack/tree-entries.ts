import { closeSync, fstatSync, type BigIntStats } from 'node:fs'
import { out, syscall } from '@ctr/linux'
import type { EntryKind } from '../archive/archive-entry.js'
import type { ExtendedAttribute } from '../archive/extended-attributes.js'
import { isKeptAttribute } from '../archive/extended-attributes.js'
import type { WrittenEntry } from '../archive/write-header.js'
import { OverlayError } from '../errors.js'
import { attributeNames, attributeOf } from '../files/attributes.js'
import { byteString, readable, type ByteString } from '../files/byte-string.js'
import { names } from '../files/names.js'
import { TreeAccess } from '../files/tree-access.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { isWhiteout } from '../unpack/whiteouts.js'

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
  return new Tree(options).below(root, '', 0)
}

class Tree {
  readonly #access: TreeAccess
  readonly #isUpper: boolean
  /** Where a file with several names was first. */
  readonly #first = new Map<string, ByteString>()

  constructor({ isUpper, namespace }: TreeOptions) {
    this.#access = new TreeAccess(namespace)
    this.#isUpper = isUpper
  }

  /** The folder itself, and everything in it. */
  *below(folder: number, path: ByteString, depth: number): Generator<TreeEntry, void> {
    if (depth > deepest) {
      throw new OverlayError(
        'ERR_OVERLAY_LIMIT',
        `cannot pack ${readable(path)}: it lies more than ${deepest} levels deep`,
      )
    }
    const itself = entryOf(
      folder,
      fstatSync(folder, { bigint: true }),
      path === '' ? './' : `${path}/`,
      'directory',
    )
    yield { entry: itself, content: undefined }
    const inside = path === '' ? '' : `${path}/`
    if (this.#isUpper && this.#access.isOpaque(folder)) yield marker(`${inside}.wh..wh..opq`)
    for (const name of [...names(folder)].sort()) yield* this.#name(folder, name, `${inside}${name}`, depth)
  }

  *#name(folder: number, name: ByteString, path: ByteString, depth: number): Generator<TreeEntry, void> {
    const place = this.#access.openName(folder, name)
    if (place === undefined) return // gone meanwhile
    try {
      const stat = fstatSync(place, { bigint: true })
      if (this.#isUpper && isWhiteout({ mode: Number(stat.mode), rdev: Number(stat.rdev) })) {
        const parent = path.slice(0, path.length - name.length)
        yield marker(`${parent}.wh.${name}`)
        return
      }
      if (this.#isUpper && name.startsWith('.wh.')) throw noName(path)
      if (stat.isDirectory()) {
        const inside = this.#access.openFolder(folder, name)
        try {
          yield* this.below(inside, path, depth + 1)
        } finally {
          closeSync(inside)
        }
        return
      }
      yield* this.#file(place, stat, path)
    } finally {
      closeSync(place)
    }
  }

  *#file(place: number, stat: BigIntStats, path: ByteString): Generator<TreeEntry, void> {
    const kind = kindOf(stat)
    if (kind === undefined) return
    const key = `${stat.dev}:${stat.ino}`
    const first = stat.nlink > 1n ? this.#first.get(key) : undefined
    if (first !== undefined) {
      yield { entry: { ...entryOf(place, stat, path, 'hardlink'), target: first }, content: undefined }
      return
    }
    if (stat.nlink > 1n) this.#first.set(key, path)
    const entry = entryOf(place, stat, path, kind)
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

function linkTarget(fd: number): ByteString {
  const buffer = Buffer.alloc(4096)
  return byteString(buffer.subarray(0, syscall('readlinkat', fd, '', out(buffer), buffer.length)))
}

function noName(path: ByteString): OverlayError {
  return new OverlayError(
    'ERR_OVERLAY_INVALID_ARG',
    `cannot pack ${readable(path)}: in a layer, names that begin with .wh. mean that a file is gone`,
    { path: readable(path) },
  )
}
