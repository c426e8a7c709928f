import { closeSync, fstatSync } from 'node:fs'
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, syscall, syscallOr } from '@ctr/linux'
import { refused } from '../archive/entry-name.js'
import { errnoOf } from '../errors.js'
import { kernelString, type ByteString } from '../files/byte-string.js'
import { linkTarget } from '../files/link-target.js'
import { openFolderIn, openName } from '../files/open-in.js'
import { hideLower, isWhiteout, type NoteScope } from './whiteouts.js'

/** Folders kept open. Entries of an archive come folder by folder, so that a few are enough. */
const keptOpen = 32
/** Links followed on the way to one folder, as the kernel's own limit. */
const mostLinks = 40

/**
 * Descriptors of the folders that entries go into. Paths are resolved below the layer's root as a process
 * with that root would: a link in a path is followed, and never leads out. Folders that are missing are made.
 */
export class ParentFolders {
  readonly #root: number
  readonly #made: (path: ByteString) => void
  readonly #scope: NoteScope | undefined
  readonly #open = new Map<ByteString, number>()
  #stale = false

  /**
   * @param root - Descriptor of the layer's root; stays the caller's.
   * @param made - Told of every folder that was made because a name implied it.
   * @param scope - Where overlayfs looks for its notes; undefined in a tree that is no layer.
   */
  constructor(root: number, made: (path: ByteString) => void, scope: NoteScope | undefined) {
    this.#scope = scope
    this.#root = root
    this.#made = made
  }

  /** The folder at `path`, made if it is missing. The descriptor stays valid until the call after the next. */
  get(path: ByteString): number {
    if (this.#stale) this.forget()
    return this.find(path) ?? this.#keep(path, this.#make(path))
  }

  /** The folder at `path`, or `undefined` when there is none. */
  find(path: ByteString): number | undefined {
    const known = this.#find(path)
    if (known !== undefined) return known
    try {
      return this.#keep(path, openFolderIn(this.#root, path))
    } catch (error) {
      switch (errnoOf(error)) {
        case 'ENOENT':
        case 'ENOTDIR':
          return undefined
        case 'ELOOP':
          throw refused(path, 'the links on its way go round in circles')
        default:
          throw error
      }
    }
  }

  /** Forgets all folders at the next `get`: one of them, or a link to one, is about to be something else. */
  forgetLater(): void {
    this.#stale = true
  }

  /** Closes and forgets all folders. */
  forget(): void {
    this.#stale = false
    for (const fd of this.#open.values()) closeSync(fd)
    this.#open.clear()
  }

  #find(path: ByteString): number | undefined {
    if (path === '') return this.#root
    const known = this.#open.get(path)
    if (known === undefined) return undefined
    this.#open.delete(path) // to the end: the first ones are the first to go
    this.#open.set(path, known)
    return known
  }

  #keep(path: ByteString, fd: number): number {
    if (this.#open.size >= keptOpen) {
      const [oldest, old] = this.#open.entries().next().value!
      this.#open.delete(oldest)
      closeSync(old)
    }
    this.#open.set(path, fd)
    return fd
  }

  /** Walks to `path` component by component, makes what is missing, and opens the last. */
  #make(path: ByteString): number {
    const ahead = path.split('/')
    let links = 0
    let way: { readonly name: ByteString; readonly fd: number }[] = []
    const here = (): number => way.at(-1)?.fd ?? this.#root
    try {
      for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
        if (name === '' || name === '.') continue
        if (name === '..') {
          const left = way.pop()
          if (left !== undefined) closeSync(left.fd)
          continue
        }
        const target = this.#enter(here(), name, way, path)
        if (target === undefined) continue
        if (++links > mostLinks) throw refused(path, 'the links on its way go round in circles')
        if (target.startsWith('/')) way = closed(way)
        ahead.unshift(...target.split('/'))
      }
      return syscall('openat', here(), '.', O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
    } finally {
      closed(way)
    }
  }

  /** Goes one folder further, which is made if need be; gives back the target where there is a link. */
  #enter(
    folder: number,
    name: ByteString,
    way: { readonly name: ByteString; readonly fd: number }[],
    path: ByteString,
  ): ByteString | undefined {
    const made = syscallOr(['EEXIST'], 'mkdirat', folder, kernelString(name), 0o755) !== 'EEXIST'
    const place = [...way.map((step) => step.name), name].join('/')
    if (made) this.#made(place)
    const fd = openName(folder, name)
    const stat = fstatSync(fd)
    if (stat.isDirectory()) {
      way.push({ name, fd })
      return undefined
    }
    try {
      if (stat.isSymbolicLink()) return linkTarget(fd)
      if (this.#scope === undefined || !isWhiteout(stat))
        throw refused(path, 'a folder on its way is no folder')
    } finally {
      closeSync(fd)
    }
    // a whiteout of this layer: the folder is new, and hides what lower layers have there
    syscall('unlinkat', folder, kernelString(name), 0)
    syscall('mkdirat', folder, kernelString(name), 0o755)
    this.#made(place)
    const fresh = syscall(
      'openat',
      folder,
      kernelString(name),
      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
      0,
    )
    way.push({ name, fd: fresh })
    hideLower(fresh, this.#scope)
    return undefined
  }
}

function closed(way: readonly { readonly fd: number }[]): [] {
  for (const { fd } of way) closeSync(fd)
  return []
}
