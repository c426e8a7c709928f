import {
  makedev,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { DeviceLink, LinuxDevice } from '../security/default-devices.js'
import { newFileSystem, type FileSystemParameter } from './rootfs.js'

/** Parameters of a container's own pseudo-terminals. */
export const devptsParameters: readonly FileSystemParameter[] = [
  ['newinstance'],
  ['ptmxmode', '0666'],
  ['mode', '0620'],
  ['gid', '5'], // tty
]

/** Attributes of the mount of the pseudo-terminals. */
export const devptsAttributes = MOUNT_ATTR_NOSUID + MOUNT_ATTR_NOEXEC

const kinds = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const

function belowDev(path: string): string {
  return path.replace(/^\/dev\//, '')
}

/**
 * Fills a new `/dev` while it is not attached anywhere yet, so that nobody can interfere: nodes, links and
 * the folders that are mounted on.
 *
 * @returns The detached mount of the new `/dev`.
 */
export function newDev(program: Program, nodes: readonly LinuxDevice[], links: readonly DeviceLink[]): Ref {
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
  for (const { path, type, major, minor, fileMode = 0o666 } of nodes) {
    program.call('mknodat', [dev, belowDev(path), kinds[type] + fileMode, makedev(major, minor)])
  }
  for (const { path, target } of links) program.call('symlinkat', [target, dev, belowDev(path)])
  for (const folder of ['pts', 'shm', 'mqueue']) program.call('mkdirat', [dev, folder, 0o755])
  return dev
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
