import { lstatSync } from 'node:fs'
import { posix } from 'node:path'
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  isSyscallError,
  makedev,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  mountAttributes,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  type SyscallError,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import type { Config, ConfigDevice } from '../config/config.js'
import { hasOwn } from '../namespaces.js'
import type { Call } from './call.js'
import { newTmpfs } from './new-tmpfs.js'
import { TREE } from './open-tree.js'
import { mapped } from './parameters.js'
import type { PlannedDevice } from './plan.js'
import type { RootView } from './root-view.js'

/** What the planning of devices needs. */
export interface DevicePlanning {
  readonly view: RootView
  readonly call: Call
  /** Takes over descriptors that the child uses. */
  readonly take: (fd: number) => number
}

/** Nodes that every container has (config-linux.md, default devices). */
const defaultDevices: readonly ConfigDevice[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0 },
]

/**
 * Plans the default device nodes and those of the config, which are taken where both name a path. In a user namespace
 * the kernel refuses to make any: there each is a bind mount of the host's, or of one that is made for it.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: `/dev` is a link, or something else is at a path.
 */
export function planDevices(config: Config, planning: DevicePlanning): readonly PlannedDevice[] {
  const { view } = planning
  const dev = view.find('/dev', { follow: false })
  if (dev.kind === 'link' && view.hostPath(view.find('/dev').path) !== undefined) {
    throw new RuntimeError(
      'ERR_RUNTIME_START',
      'cannot make devices: /dev of the root file system is a symbolic link, and nothing is mounted there',
    )
  }
  const devices = new Map<string, ConfigDevice>()
  for (const device of [...defaultDevices, ...(config.linux?.devices ?? [])]) {
    devices.set(posix.resolve('/', device.path), device)
  }
  devices.delete('/dev/ptmx') // it always is the container's own
  const user = hasOwn(config.linux, 'user')
  const made = user ? new MadeNodes(config, planning) : undefined
  return [...devices].flatMap(([path, device]) => {
    const place = view.find(path, { follow: false })
    if (place.kind !== 'missing' && place.kind !== 'unknown') {
      if (place.stats !== undefined && isNode(place.stats, device)) return []
      throw new RuntimeError(
        'ERR_RUNTIME_START',
        `cannot make the device ${path}: something else is there already, a ${place.kind}`,
      )
    }
    const source = made === undefined || device.type === 'p' ? undefined : made.open(path, device)
    return [{ device, place, source }]
  })
}

/** Device nodes to be bound. */
class MadeNodes {
  readonly #config: Config
  readonly #planning: DevicePlanning
  #folder: number | undefined
  #count = 0

  constructor(config: Config, planning: DevicePlanning) {
    this.#config = config
    this.#planning = planning
  }

  /** Opens a detached mount of a node like the one that is asked for. */
  open(path: string, device: ConfigDevice): number {
    const { call, take } = this.#planning
    const fd = take(isOnHost(path, device) ? call('open_tree', -100, path, TREE) : this.#make(path, device))
    const attributes = mountAttributes({ set: MOUNT_ATTR_NOSUID + MOUNT_ATTR_NOEXEC })
    call('mount_setattr', fd, '', AT_EMPTY_PATH, attributes, 32)
    return fd
  }

  #make(path: string, device: ConfigDevice): number {
    const { call } = this.#planning
    const { linux } = this.#config
    try {
      this.#folder ??= this.#planning.take(newTmpfs(call, [['mode', '700']], 0))
      const name = String(this.#count++)
      call('mknodat', this.#folder, name, modeOf(device), numberOf(device))
      const [uid, gid] = [
        mapped(linux?.uidMappings, device.uid ?? 0),
        mapped(linux?.gidMappings, device.gid ?? 0),
      ]
      call('fchownat', this.#folder, name, uid, gid, AT_SYMLINK_NOFOLLOW)
      call('fchmodat', this.#folder, name, modeOf(device) & 0o7777)
      return call('open_tree', this.#folder, name, TREE)
    } catch (cause) {
      return this.#hostsOwn(path, device, cause)
    }
  }

  /** Before Linux 6.15 a detached mount cannot be bound from, and in a user namespace no node can be made. */
  #hostsOwn(path: string, device: ConfigDevice, cause: unknown): number {
    if (!isSyscallError(cause)) throw cause
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && isNode(stats, device))
      return this.#planning.call('open_tree', -100, path, TREE)
    throw cannotMake(path, cause)
  }
}

function cannotMake(path: string, cause: SyscallError): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_START',
    `cannot make the device ${path} for a container with a user namespace: ${cause.message}, and the host has none like it`,
    { cause },
  )
}

/** True where the host has the same node by the same path, with the permissions and owner that are asked for. */
function isOnHost(path: string, device: ConfigDevice): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined || !isNode(stats, device)) return false
  const { fileMode, uid = 0, gid = 0 } = device
  return uid === 0 && gid === 0 && (fileMode === undefined || (stats.mode & 0o777) === (fileMode & 0o777))
}

const kinds = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const

/** Kind and permissions of a node, as mknod(2) takes them. */
export function modeOf({ type, fileMode = 0o666 }: ConfigDevice): number {
  return kinds[type] + (fileMode & 0o7777)
}

/** Number of a node, as mknod(2) takes it. */
export function numberOf({ type, major, minor }: ConfigDevice): number {
  return type === 'p' ? 0 : makedev(major, minor)
}

function isNode(
  { mode, rdev }: { readonly mode: number; readonly rdev: number },
  device: ConfigDevice,
): boolean {
  return (mode & S_IFMT) === kinds[device.type] && (device.type === 'p' || rdev === numberOf(device))
}
