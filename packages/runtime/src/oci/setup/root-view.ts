import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { namesOf } from '../../setup/place.js'

/** What a mount shows, as far as it can be known before the container is there. */
export type Layer =
  /** A file or folder of the host. */
  | { readonly kind: 'tree'; readonly path: string }
  /** A new file system with nothing in it. */
  | { readonly kind: 'empty' }
  /** A file system of the kernel's; `model` is a folder of the host with the same content. */
  | { readonly kind: 'opaque'; readonly model?: string | undefined }

/** A path of the container, with all links followed. */
export interface Place {
  /** Without links, `.` and `..`. */
  readonly path: string
  /** What is there. `unknown` is what only the kernel can say. */
  readonly kind: 'folder' | 'file' | 'link' | 'missing' | 'unknown'
  /** How many names at the end of the path are not there, or not known to be. */
  readonly missing: number
  /** Of what is there, where that is in a root file system or volume. */
  readonly stats: Stats | undefined
}

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40

/**
 * What a container's root will look like, mount by mount. It is used to plan: which folders are missing, where links
 * of an image lead, of which kind something is. Nothing is opened by what it says; the child opens the paths that it
 * gives without following any link, so that whoever changes the tree meanwhile makes the set-up fail, and nothing else.
 */
export class RootView {
  readonly #layers = new Map<string, Layer>()
  /** What was found on the host, by path: while a container is planned each is looked at once. */
  readonly #seen = new Map<string, Found>()

  constructor(rootfs: string) {
    this.#layers.set('/', { kind: 'tree', path: rootfs })
  }

  /** Shows a mount from now on. */
  cover(path: string, layer: Layer): void {
    const below = path === '/' ? '/' : `${path}/`
    for (const covered of this.#layers.keys()) if (covered.startsWith(below)) this.#layers.delete(covered)
    this.#layers.set(path, layer)
  }

  /** True where a mount is at a path, above it (but for the root itself) or below it. */
  isMounted(path: string): boolean {
    return [...this.#layers.keys()].some(
      (mounted) => mounted !== '/' && (within(path, mounted) || within(mounted, path)),
    )
  }

  /** Where on the host a place of the container is: a mount's path, and a path in it. */
  hostPath(path: string): { readonly base: string; readonly rest: string } | undefined {
    const { layer, rest } = this.#layerOf(namesOf(path))
    return layer.kind === 'tree' ? { base: layer.path, rest: rest.join('/') } : undefined
  }

  /**
   * The mounts that a bind of a place is of, with their paths from there, those above first.
   *
   * @returns undefined where one of them is in no tree of the host.
   */
  treesAt(
    path: string,
    recursive: boolean,
  ): readonly { readonly path: string; readonly source: string }[] | undefined {
    const places = [path, ...[...this.#layers.keys()].filter((one) => one !== path && within(one, path))]
    const trees = (recursive ? places.sort((a, b) => a.length - b.length) : [path]).map((one) => {
      const at = this.hostPath(one)
      return (
        at && {
          path: one.slice(path === '/' ? 0 : path.length),
          source: joined(at.base, at.rest === '' ? [] : [at.rest]),
        }
      )
    })
    return trees.some((tree) => tree === undefined)
      ? undefined
      : (trees as { path: string; source: string }[])
  }

  /** Shows at `to` what is shown at `from`, as a bind does; with the mounts below it where it is `recursive`. */
  copy(from: string, to: string, recursive: boolean): void {
    const { layer, rest } = this.#layerOf(namesOf(from))
    const below = [...this.#layers].filter(([mounted]) => mounted !== from && within(mounted, from))
    this.cover(to, layer.kind === 'tree' ? { kind: 'tree', path: joined(layer.path, rest) } : layer)
    if (!recursive) return
    for (const [mounted, shown] of below) {
      this.cover(`${to === '/' ? '' : to}${mounted.slice(from === '/' ? 0 : from.length)}`, shown)
    }
  }

  /**
   * Finds a path, inside the root however its links are. Links that lead to each other lead to nothing known; the
   * kernel says so when that is opened.
   *
   * @param follow - Whether a link at the end is followed.
   */
  find(path: string, { follow = true }: { readonly follow?: boolean } = {}): Place {
    const pending = namesOf(path).reverse()
    let names: string[] = []
    let missing = 0
    let links = 0
    let found: Found = this.#look([])
    while (pending.length > 0) {
      const name = pending.pop()!
      if (name === '' || name === '.') continue
      if (name === '..') {
        names.pop()
        missing = Math.max(0, missing - 1)
        if (missing === 0) found = this.#look(names)
        continue
      }
      names.push(name)
      if (missing === 0) found = this.#look(names)
      if (found.kind === 'missing' || found.kind === 'unknown') missing++
      if (found.target === undefined || missing > 0 || (pending.length === 0 && !follow)) continue
      if (++links > MOST_LINKS)
        return { path: `/${names.join('/')}`, kind: 'unknown', missing: 0, stats: undefined }
      names = found.target.startsWith('/') ? [] : names.slice(0, -1)
      pending.push(...found.target.split('/').reverse())
      found = this.#look(names)
    }
    return { path: `/${names.join('/')}`, kind: found.kind, missing, stats: found.stats }
  }

  /**
   * True where a file system of the kernel's has nothing at a path, in whichever mount of it. What differs between
   * namespaces or processes is not known.
   */
  lacks(path: string): boolean {
    const { layer, rest } = this.#layerOf(namesOf(path))
    if (layer.kind !== 'opaque' || layer.model === undefined) return false
    const { model } = layer
    const known = common.get(model)
    if (known === undefined || !known.covers(rest)) return false
    const there = (names: readonly string[]): boolean => this.#lookAt(joined(model, names)).kind !== 'missing'
    return !there(rest) && there([known.always]) // unless the host shows only a part of it, or nothing
  }

  /** What is at a path whose parents are all there and no links. */
  #look(names: readonly string[]): Found {
    const { layer, rest } = this.#layerOf(names)
    if (layer.kind === 'tree') return this.#lookAt(joined(layer.path, rest))
    if (rest.length === 0) return { kind: 'folder', stats: undefined }
    if (layer.kind === 'empty') return { kind: 'missing', stats: undefined }
    const model = layer.model === undefined ? undefined : this.#lookAt(joined(layer.model, rest))
    return model?.kind === 'folder' || model?.kind === 'file'
      ? { kind: model.kind, stats: undefined }
      : { kind: 'unknown', stats: undefined }
  }

  #lookAt(path: string): Found {
    let found = this.#seen.get(path)
    if (found === undefined) this.#seen.set(path, (found = lookAt(path)))
    return found
  }

  #layerOf(names: readonly string[]): { readonly layer: Layer; readonly rest: readonly string[] } {
    for (let depth = names.length; ; depth--) {
      const layer = this.#layers.get(`/${names.slice(0, depth).join('/')}`)
      if (layer !== undefined) return { layer, rest: names.slice(depth) }
    }
  }
}

/** What is the same in all mounts of the kernel's file systems, by their models. */
const common: ReadonlyMap<
  string,
  { readonly covers: (names: readonly string[]) => boolean; readonly always: string }
> = new Map([
  [
    '/proc',
    {
      covers: ([first = '']) => !/^(\d+|self|thread-self|net|mounts|sys)$/.test(first),
      always: 'filesystems',
    },
  ],
  ['/sys', { covers: (names) => !names.includes('net'), always: 'kernel' }],
])

interface Found {
  readonly kind: Place['kind']
  readonly stats: Stats | undefined
  /** Of a link. */
  readonly target?: string
}

function lookAt(path: string): Found {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return { kind: 'missing', stats }
    if (stats.isSymbolicLink()) return { kind: 'link', stats, target: readlinkSync(path) }
    return { kind: stats.isDirectory() ? 'folder' : 'file', stats }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // below a file: making it will say so
    return { kind: code === 'ENOTDIR' || code === 'ENOENT' ? 'missing' : 'unknown', stats: undefined }
  }
}

function joined(folder: string, names: readonly string[]): string {
  return names.length === 0 ? folder : `${folder}/${names.join('/')}`
}

/** True for a path and all below it. */
export function within(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}
