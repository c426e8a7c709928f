import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  isSyscallError,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MS_REC,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import type { Config, ConfigMount } from '../config/config.js'
import type { ParsedIdmap } from '../config/mount-idmap.js'
import { hasOwn } from '../namespaces.js'
import { changeBind } from './bind-change.js'
import { boundByChild, canChildBind } from './bound-by-child.js'
import { isReal, type Call } from './call.js'
import type { IdmapNamespaces } from './idmap.js'
import { bindOf, checkOrdinaryFolder, checkProc, withHostsOwn, type ParsedMount } from './mount-rules.js'
import { copyUp, newTmpfs } from './new-tmpfs.js'
import { openTree, treeFlags } from './open-tree.js'
import { parametersOf } from './parameters.js'
import type { MountMaking, MountSource, PlannedMount } from './plan.js'
import { within, type Layer, type Place, type RootView } from './root-view.js'

/** What the planning of mounts needs. */
export interface MountPlannerOptions {
  readonly config: Config
  readonly bundle: string
  /** Paths by which the root file system may be meant. */
  readonly roots: readonly string[]
  /** `MS_*` that binds begin with. */
  readonly base: number
  readonly view: RootView
  readonly namespaces: IdmapNamespaces
  readonly call: Call
  /** Takes over descriptors that the child uses. */
  readonly take: (fd: number) => number
  /** The child joins a running container: it does not see paths of the host. */
  readonly joins?: boolean
}

/** Plans the mounts of a config, one after the other, and keeps the view of the root up to date. */
export class MountPlanner {
  readonly #options: MountPlannerOptions

  constructor(options: MountPlannerOptions) {
    this.#options = options
  }

  /**
   * Plans one mount: opens what it is of, and finds where it goes.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_START`, `ERR_RUNTIME_CONFIG`
   */
  async plan(given: ParsedMount): Promise<PlannedMount> {
    const { config, view } = this.#options
    const parsed = withHostsOwn(config, given)
    const destination = this.#inRoot(parsed.mount.destination)
    if (bindOf(parsed) === false) checkOrdinaryFolder(view, parsed, destination)
    const link = this.#linkToCopy(parsed)
    const follow = !parsed.options.destinationNoFollow && link === undefined
    const place = view.find(destination, { follow })
    const making: MountMaking =
      link === undefined
        ? await this.#make(parsed, place)
        : { how: 'link', target: this.#checkLink(link, place) }
    checkProc(parsed, place, this.#sourceOf(parsed))
    checkKinds(parsed, place, making)
    this.#show(parsed, place, making)
    return { ...parsed, place, making }
  }

  async #make(parsed: ParsedMount, place: Place): Promise<MountMaking> {
    const { mount, options } = parsed
    if (options.remount) return { how: 'remount' }
    if (bindOf(parsed) !== false) return this.#bind(parsed)
    if (mount.uidMappings !== undefined || options.idmap !== undefined) {
      throw new RuntimeError(
        'ERR_RUNTIME_CONFIG',
        `cannot map the ids of the mount at ${mount.destination}: only bind mounts can be idmapped`,
      )
    }
    const type = mount.type!
    if (type === 'cgroup' || type === 'cgroup2') return { how: 'cgroup' }
    const { config } = this.#options
    const parameters = parametersOf(config, parsed, place)
    if (!options.copyUp || type !== 'tmpfs') return { how: 'new', type, parameters }
    return this.#copyUp(parsed, place)
  }

  async #copyUp(parsed: ParsedMount, place: Place): Promise<MountMaking> {
    const { config, view, call, take } = this.#options
    const { mount, options } = parsed
    const user = hasOwn(config.linux, 'user')
    // in a user namespace's own tmpfs no device node would have an effect
    const attributes = (options.attributesSet & ~MOUNT_ATTR_RDONLY) | (user ? MOUNT_ATTR_NODEV : 0)
    const parameters = parametersOf(config, parsed, place, { byRuntime: true })
    const fd = take(newTmpfs(call, parameters, attributes, mount.source ?? 'tmpfs'))
    for (const flags of options.propagation) propagate(call, fd, flags)
    const from = place.kind === 'folder' ? view.hostPath(place.path) : undefined
    try {
      if (from !== undefined && isReal(call)) await copyUp(fd, from.base, from.rest)
    } catch (cause) {
      if (!isSyscallError(cause) && (cause as NodeJS.ErrnoException).code === undefined) throw cause
      const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
      throw new RuntimeError(
        'ERR_RUNTIME_START',
        `cannot copy ${place.path} into the tmpfs that is mounted there: ${full ? 'it does not fit, no space left on device' : (cause as Error).message}`,
        { cause },
      )
    }
    return { how: 'opened', fd, kind: 'folder' }
  }

  async #bind(parsed: ParsedMount): Promise<MountMaking> {
    const { bundle, base, call, config, namespaces, view, joins = false } = this.#options
    const { mount } = parsed
    const path = resolve(bundle, mount.source!)
    const idmap = idmapOf(parsed)
    const inside = this.#inContainer(path)
    if (inside !== undefined && idmap === undefined)
      return { how: 'inside', from: inside, kind: kindOf(inside) }
    if (idmap === undefined && !joins && canChildBind(config, path)) return boundByChild(parsed, path, base)
    const userns = idmap === undefined ? undefined : await namespaces.open(mount, idmap)
    const recursive = bindOf(parsed) === 'rbind'
    const trees = inside === undefined ? [{ path: '', source: path }] : view.treesAt(inside.path, recursive)
    if (trees === undefined) {
      throw new RuntimeError(
        'ERR_RUNTIME_CONFIG',
        `cannot map the ids of the mount at ${mount.destination}: ${path} is a file system of the container's own`,
      )
    }
    const [top, ...below] = trees.map((tree, index) => {
      const opened = this.#open(parsed, tree.source, {
        recursive: recursive && inside === undefined,
        top: index === 0,
      })
      if (userns !== undefined && (index === 0 || idmap!.recursive))
        mapIds(call, opened.fd, userns, mount, idmap!)
      return { ...opened, path: tree.path }
    })
    return { how: 'opened', fd: top!.fd, kind: top!.kind, below, from: inside }
  }

  #open(
    { mount, options }: ParsedMount,
    source: string,
    { recursive, top }: { readonly recursive: boolean; readonly top: boolean },
  ): MountSource {
    const { call, take, base, config } = this.#options
    const flags = treeFlags(options, recursive)
    const fd = take(openTree(call, source, flags, `the source of ${mount.destination}`))
    for (const each of [base | MS_REC, ...options.propagation]) propagate(call, fd, each)
    const { destination } = mount
    const own = top ? options : { ...options, attributesSet: 0, attributesClear: 0, superblock: [] }
    changeBind(call, { fd, source, destination, options: own, locked: hasOwn(config.linux, 'user') })
    const stats = options.sourceNoFollow ? lstatSync(source) : statSync(source)
    return { fd, kind: stats.isDirectory() ? 'folder' : 'file' }
  }

  #sourceOf(parsed: ParsedMount): string | undefined {
    return bindOf(parsed) === false ? undefined : resolve(this.#options.bundle, parsed.mount.source ?? '')
  }

  /** What a source that is a link says, where the link is to be copied. */
  #linkToCopy({ mount, options }: ParsedMount): string | undefined {
    const path =
      options.copySymlink && mount.source !== undefined && resolve(this.#options.bundle, mount.source)
    if (path === false || lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true)
      return undefined
    return readlinkSync(path)
  }

  /** Where something is already it has to be the same link. */
  #checkLink(target: string, { path, kind }: Place): string {
    if (kind === 'missing' || kind === 'unknown') return target
    const there = this.#options.view.hostPath(path)
    if (kind === 'link' && there !== undefined && readlinkSync(`${there.base}/${there.rest}`) === target)
      return target
    throw new RuntimeError(
      'ERR_RUNTIME_START',
      `cannot make a symbolic link to ${target} at ${path}: something else is there already`,
    )
  }

  /**
   * A source in the container's root file system means the container's tree where that has mounts there, as it would
   * for a process that mounts one after the other.
   */
  #inContainer(source: string): Place | undefined {
    const { view, roots } = this.#options
    const path = realpathOr(source)
    const root = roots.find((each) => within(path, each))
    if (root === undefined) return undefined
    const from = view.find(`/${relative(root, path)}`)
    return view.isMounted(from.path) ? from : undefined
  }

  /** A destination may say where it is on the host. */
  #inRoot(destination: string): string {
    const path = resolve('/', destination)
    const root = this.#options.roots.find((each) => within(path, each))
    return root === undefined || root === '/' ? path : `/${relative(root, path)}`
  }

  #show(parsed: ParsedMount, { path }: Place, making: MountMaking): void {
    const { view, bundle, call } = this.#options
    if (making.how === 'link' || making.how === 'remount') return
    if (parsed.options.copyUp && !isReal(call)) return
    const from = 'from' in making ? making.from : undefined
    if (from !== undefined) view.copy(from.path, path, bindOf(parsed) === 'rbind')
    else view.cover(path, layerOf(parsed, making, bundle))
  }
}

function layerOf({ mount, options }: ParsedMount, making: MountMaking, bundle: string): Layer {
  if (making.how === 'cgroup') return { kind: 'opaque', model: '/sys/fs/cgroup' }
  if (making.how === 'new') {
    if (mount.type === 'tmpfs' || mount.type === 'ramfs') return { kind: 'empty' }
    const model = mount.type === 'proc' ? '/proc' : mount.type === 'sysfs' ? '/sys' : undefined
    return { kind: 'opaque', model }
  }
  if (making.how !== 'opened' && making.how !== 'bound') return { kind: 'opaque' }
  if (options.copyUp && making.how === 'opened') return { kind: 'tree', path: `/proc/self/fd/${making.fd}/.` }
  const path = resolve(bundle, mount.source!)
  return { kind: 'tree', path: options.sourceNoFollow ? path : realpathOr(path) }
}

function realpathOr(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return path // opening it says what is wrong
  }
}

function kindOf({ kind }: Place): 'folder' | 'file' {
  return kind === 'file' || kind === 'link' ? 'file' : 'folder'
}

/** Mappings make an idmapped mount, also without the option. */
function idmapOf({ mount, options }: ParsedMount): ParsedIdmap | undefined {
  return options.idmap ?? (mount.uidMappings === undefined ? undefined : { recursive: false })
}

function checkKinds({ mount }: ParsedMount, place: Place, making: MountMaking): void {
  const kind = 'kind' in making ? making.kind : 'folder'
  if (
    making.how === 'remount' ||
    making.how === 'link' ||
    place.kind === 'missing' ||
    place.kind === 'unknown'
  )
    return
  if ((place.kind === 'folder') === (kind === 'folder')) return
  const [source, target] = kind === 'folder' ? ['a folder', 'a file'] : ['a file', 'a folder']
  throw new RuntimeError(
    'ERR_RUNTIME_START',
    `cannot mount ${mount.source ?? mount.type ?? ''} at ${mount.destination}: it is ${source}, and ${target} is there: not a directory`,
  )
}

function mapIds(
  call: Call,
  fd: number,
  userns: number,
  mount: ConfigMount,
  { recursive }: ParsedIdmap,
): void {
  const flags = AT_EMPTY_PATH + (recursive ? AT_RECURSIVE : 0)
  try {
    call('mount_setattr', fd, '', flags, mountAttributes({ set: MOUNT_ATTR_IDMAP, userns }), 32)
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_START',
      `cannot map the ids of the mount at ${mount.destination}: ${(cause as Error).message}; its file system may not support idmapped mounts`,
      { cause },
    )
  }
}

/** Sets the propagation of a detached mount (mount_namespaces(7)). */
function propagate(call: Call, fd: number, flags: number): void {
  const at = AT_EMPTY_PATH + ((flags & MS_REC) === 0 ? 0 : AT_RECURSIVE)
  call('mount_setattr', fd, '', at, mountAttributes({ propagation: flags & ~MS_REC }), 32)
}
