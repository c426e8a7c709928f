import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { DeviceRule } from '@ctr/cgroups'
import { RuntimeError } from '../errors.js'
import { defaultDeviceLinks, defaultDevices, type LinuxDevice } from '../security/default-devices.js'
import { parseDeviceRule } from './device-rule.js'
import type { HostDevice, SandboxOptions } from './sandbox-options.js'

/** Devices of a container beside those that every one has. */
export interface FoundDevices {
  readonly nodes: readonly LinuxDevice[]
  readonly rules: readonly DeviceRule[]
}

/** What every container has of its own. */
const own = new Set([
  ...defaultDevices.map(({ path }) => path),
  ...defaultDeviceLinks.map(({ path }) => path),
  ...['/dev/console', '/dev/pts', '/dev/shm', '/dev/mqueue'],
])

/**
 * Finds the devices that a container is to have, and what it may do with them.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: there is no such device on the host.
 */
export function findDevices({ privileged, devices = [], deviceRules = [] }: SandboxOptions): FoundDevices {
  if (privileged === true)
    return { nodes: nodesBelow('/dev', '/dev'), rules: [{ allow: true, type: 'a', access: 'rwm' }] }
  const found = devices.map((device) => ({ device, nodes: nodesOf(device) }))
  const rules = found.flatMap(({ device: { access = 'rwm' }, nodes }) =>
    nodes.map(({ type, major, minor }): DeviceRule => ({
      ...{ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access },
    })),
  )
  const nodes = found.flatMap((each) => each.nodes).filter(({ path }) => !own.has(path))
  return { nodes, rules: [...rules, ...deviceRules.map(parseDeviceRule)] }
}

function nodesOf({ source, target = source }: HostDevice): readonly LinuxDevice[] {
  const stats = statSync(source, { throwIfNoEntry: false })
  if (stats?.isDirectory() === true) return nodesBelow(source, target)
  const node = stats === undefined ? undefined : nodeOf(target, stats)
  if (node !== undefined) return [node]
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot use the device ${source}: it is ${stats === undefined ? 'not there' : 'no device'}`,
  )
}

/** Links are not followed: what they lead to is there by its own name. */
function nodesBelow(folder: string, target: string): LinuxDevice[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(target, name)
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false })
    if (stats === undefined || own.has(path)) return []
    if (stats.isDirectory()) return nodesBelow(join(folder, name), path)
    return nodeOf(path, stats) ?? []
  })
}

function nodeOf(path: string, stats: Stats): LinuxDevice | undefined {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined
  const { mode, uid, gid } = stats
  const type = stats.isBlockDevice() ? 'b' : 'c'
  return { path, type, ...numbersOf(stats), fileMode: mode & 0o7777, uid, gid }
}

/**
 * Finds the numbers of a block device of this host, by which limits of {@link SandboxOptions.resources} name it.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: there is no such block device.
 */
export function blockDevice(path: string): { readonly major: number; readonly minor: number } {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isBlockDevice() === true) return numbersOf(stats)
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot limit the use of ${JSON.stringify(path)}: it is no block device of this host`,
  )
}

/** gnu_dev_major(3), gnu_dev_minor(3); no major number is above 4095. */
function numbersOf({ rdev }: Stats): { readonly major: number; readonly minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & ~0xff) }
}
