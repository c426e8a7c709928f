import { posix } from 'node:path'
import { AT_SYMLINK_NOFOLLOW, MOVE_MOUNT_F_EMPTY_PATH, S_IFREG, type Program, type Ref } from '@ctr/linux'
import { openFolder } from '../../setup/place.js'
import { openParent, type Descriptor } from './attach.js'
import { modeOf, numberOf } from './plan-devices.js'
import type { PlannedDevice } from './plan.js'

/** Makes the device nodes, or binds those that were made for it. The mode mask is 0. */
export function makeDevices(program: Program, root: Descriptor, devices: readonly PlannedDevice[]): void {
  let folder: string | undefined
  let parent: Ref | undefined
  for (const { device, place, source } of devices) {
    program.step(`make ${place.path}`)
    const { dir, base: name } = posix.parse(place.path)
    if (parent === undefined || folder !== dir) {
      if (parent !== undefined) program.call('close', [parent])
      parent = openParent(program, root, place)
      folder = dir
    }
    if (source === undefined) {
      // nothing was there when it was planned: what is there now is not what the container is to have
      program.call('mknodat', [parent, name, modeOf(device), numberOf(device)])
      const { uid = 0, gid = 0 } = device
      if (uid !== 0 || gid !== 0) program.call('fchownat', [parent, name, uid, gid, AT_SYMLINK_NOFOLLOW])
    } else {
      program.call('mknodat', [parent, name, S_IFREG + 0o644, 0], { tolerate: ['EEXIST', 'EROFS'] })
      program.call('move_mount', [source, '', parent, name, MOVE_MOUNT_F_EMPTY_PATH])
    }
  }
  if (parent !== undefined) program.call('close', [parent])
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
export function makeDeviceLinks(program: Program, root: Descriptor): void {
  program.step('make the links in /dev')
  const dev = openFolder(program, root, '/dev')
  for (const [name, target] of links) {
    program.call('symlinkat', [target, dev, name], { tolerate: ['EEXIST', 'EROFS'] })
  }
  program.call('unlinkat', [dev, 'ptmx', 0], { tolerate: ['ENOENT', 'EROFS', 'EBUSY', 'EISDIR'] })
  program.call('symlinkat', ['pts/ptmx', dev, 'ptmx'], { tolerate: ['EEXIST', 'EROFS'] })
  program.call('close', [dev])
}
