import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  makedev,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  S_IFBLK,
  S_IFCHR,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFIFO,
  S_IFREG,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { DeviceLink, LinuxDevice } from '../security/default-devices.js'
import { newFileSystem, type FileSystemParameter } from './rootfs.js'

/**
 * Parameters of a container's own pseudo-terminals.
 *
 * @param hasTerminalGroup - Whether the container has the group that they belong to.
 */
export function devptsParameters(hasTerminalGroup: boolean): readonly FileSystemParameter[] {
  const gid: readonly FileSystemParameter[] = hasTerminalGroup ? [['gid', '5']] : [] // tty
  return [['newinstance'], ['ptmxmode', '0666'], ['mode', '0620'], ...gid]
}

/** Attributes of the mount of the pseudo-terminals. */
export const devptsAttributes = MOUNT_ATTR_NOSUID + MOUNT_ATTR_NOEXEC

const kinds = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const

/** Folders that nodes are in, the outer ones first. */
function foldersOf(nodes: readonly LinuxDevice[]): readonly string[] {
  const folders = nodes.flatMap(({ path }) => {
    const names = belowDev(path).split('/').slice(0, -1)
    return names.map((_, depth) => names.slice(0, depth + 1).join('/'))
  })
  return [...new Set(folders)]
}

function belowDev(path: string): string {
  return path.replace(/^\/dev\//, '')
}

/**
 * Detached copies of the host's device nodes, for a child that may not make any: it is root of a user namespace only.
 * To be opened while the host can still be reached.
 */
export function hostDevices(program: Program, nodes: readonly LinuxDevice[]): readonly Ref[] {
  program.step('open devices of the host')
  const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC
  return nodes.map(({ path }) => program.call('open_tree', [AT_FDCWD, path, flags]))
}

/**
 * Fills a new `/dev` while it is not attached anywhere yet, so that nobody can interfere: nodes, links and
 * the folders that are mounted on.
 *
 * @param bound - Copies of the host's nodes to mount in place of new ones.
 * @returns The detached mount of the new `/dev`.
 */
export function newDev(
  program: Program,
  nodes: readonly LinuxDevice[],
  links: readonly DeviceLink[],
  bound: readonly Ref[] | undefined,
): Ref {
  program.step('make /dev')
  const dev = newFileSystem(
    program,
    'tmpfs',
    [
      ['mode', '755'],
      ['size', '65536k'],
    ],
    MOUNT_ATTR_NOSUID,
  )
  const made = bound === undefined ? nodes : []
  for (const folder of foldersOf(made)) program.call('mkdirat', [dev, folder, 0o755])
  for (const { path, type, major, minor, fileMode = 0o666, uid = 0, gid = 0 } of made) {
    const name = belowDev(path)
    program.call('mknodat', [dev, name, kinds[type] + fileMode, makedev(major, minor)])
    if (uid !== 0 || gid !== 0) program.call('fchownat', [dev, name, uid, gid, AT_SYMLINK_NOFOLLOW])
  }
  if (bound !== undefined)
    for (const { path } of nodes) program.call('mknodat', [dev, belowDev(path), S_IFREG + 0o644, 0])
  for (const { path, target } of links) program.call('symlinkat', [target, dev, belowDev(path)])
  for (const folder of ['pts', 'shm', 'mqueue']) program.call('mkdirat', [dev, folder, 0o755])
  return dev
}

/** Mounts copies of the host's nodes in the new `/dev`, once that is attached. */
export function placeDevices(
  program: Program,
  dev: Ref,
  nodes: readonly LinuxDevice[],
  bound: readonly Ref[],
): void {
  nodes.forEach(({ path }, index) => {
    program.call('move_mount', [bound[index]!, '', dev, belowDev(path), MOVE_MOUNT_F_EMPTY_PATH])
  })
}

/** Parameters and attributes of what is mounted below `/dev`. */
export function sharedMemory(bytes: number): {
  parameters: readonly FileSystemParameter[]
  attributes: number
} {
  return {
    parameters: [
      ['mode', '1777'],
      ['size', String(bytes)],
    ],
    attributes: MOUNT_ATTR_NOSUID + MOUNT_ATTR_NODEV + MOUNT_ATTR_NOEXEC,
  }
}
