import {
  makedev,
  O_CLOEXEC,
  O_CREAT,
  O_NOFOLLOW,
  O_WRONLY,
  AT_SYMLINK_NOFOLLOW,
  MOVE_MOUNT_F_EMPTY_PATH,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  type Program,
  type Ref,
} from '@ctr/linux'
import { posix } from 'node:path'
import { makeFolders, openFolder } from '../../setup/place.js'
import type { ConfigDevice } from '../config/config.js'
import type { MountSource } from './sources.js'

const kinds = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const

/** Nodes that every container has (config-linux.md, default devices). */
export const defaultDevices: readonly ConfigDevice[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: 0o666 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o666 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o666 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: 0o666 },
]

/** The default nodes and those of the config, which come first where both name a path. */
export function devicesOf(configured: readonly ConfigDevice[] = []): readonly ConfigDevice[] {
  const paths = new Set(configured.map(({ path }) => posix.resolve('/', path)))
  return [...defaultDevices.filter(({ path }) => !paths.has(path)), ...configured]
}

/**
 * Makes the device nodes. In a user namespace the kernel refuses to make any; there each is a bind mount of the
 * host's.
 */
export function makeDevices(
  program: Program,
  root: Ref | number,
  devices: readonly ConfigDevice[],
  fromHost: ReadonlyMap<string, MountSource>,
): void {
  for (const device of devices) {
    const path = posix.resolve('/', device.path)
    program.step(`make ${path}`)
    const [folder, name] = [posix.dirname(path), posix.basename(path)]
    makeFolders(program, root, folder)
    const parent = openFolder(program, root, folder)
    const source = fromHost.get(device.path)
    if (source === undefined) makeNode(program, parent, name, device)
    else bindNode(program, parent, name, source)
    program.call('close', [parent])
  }
}

function makeNode(program: Program, parent: Ref, name: string, device: ConfigDevice): void {
  const { type, major, minor, fileMode = 0o666, uid = 0, gid = 0 } = device
  const number = type === 'p' ? 0 : makedev(major, minor)
  // a node that is there already, as in a root file system that brings its own, stays as it is
  program.call('mknodat', [parent, name, kinds[type] + (fileMode & 0o7777), number], { tolerate: ['EEXIST'] })
  if (uid !== 0 || gid !== 0) program.call('fchownat', [parent, name, uid, gid, AT_SYMLINK_NOFOLLOW])
}

function bindNode(program: Program, parent: Ref, name: string, source: MountSource): void {
  const flags = O_WRONLY + O_CREAT + O_NOFOLLOW + O_CLOEXEC
  const file = program.call('openat', [parent, name, flags, 0o644], {
    tolerate: ['EROFS', 'EACCES', 'ENXIO', 'EPERM'],
  })
  program.call('close', [file], { tolerate: ['EBADF'] })
  program.call('move_mount', [source.fd, '', parent, name, MOVE_MOUNT_F_EMPTY_PATH])
}

/** Links that programs expect in `/dev` (config-linux.md, "/dev symbolic links"). */
const links = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
] as const

/** Makes the links, and `/dev/ptmx`, which must lead to the container's own devpts. */
export function makeDeviceLinks(program: Program, root: Ref | number): void {
  program.step('make the links in /dev')
  const dev = openFolder(program, root, '/dev')
  for (const [name, target] of links) {
    program.call('symlinkat', [target, dev, name], { tolerate: ['EEXIST', 'EROFS'] })
  }
  program.call('unlinkat', [dev, 'ptmx', 0], { tolerate: ['ENOENT', 'EROFS', 'EBUSY', 'EISDIR'] })
  program.call('symlinkat', ['pts/ptmx', dev, 'ptmx'], { tolerate: ['EEXIST', 'EROFS'] })
  program.call('close', [dev])
}
