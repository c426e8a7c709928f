import type { Config, ConfigIdMapping } from '../config/config.js'
import { selinuxEnabled } from '../process/labels.js'
import type { ParsedMount } from './mount-rules.js'
import type { MountParameter } from './plan.js'
import type { Place } from './root-view.js'

/** File systems that have the label of their files from elsewhere, or none. */
const unlabelled = new Set(['proc', 'sysfs', 'mqueue'])

/** File systems of the kernel's, or in memory: there `ro` is meant for the mount alone. */
const ownDevice = new Set(['tmpfs', 'ramfs', 'proc', 'sysfs', 'mqueue', 'devpts', 'devtmpfs'])

/**
 * Settings of a new file system, as fsconfig(2) takes them.
 *
 * A tmpfs has the mode of the folder that it covers, unless an option says another one.
 *
 * @param byRuntime - The runtime makes it, in its own user namespace: ids are the host's.
 */
export function parametersOf(
  config: Config,
  { mount, options }: ParsedMount,
  { kind, stats }: Place,
  { byRuntime = false } = {},
): readonly MountParameter[] {
  const type = mount.type!
  const flags = options.superblock.filter((flag) => !ownDevice.has(type) || (flag !== 'ro' && flag !== 'rw'))
  const parameters: MountParameter[] = flags.map((flag) => [flag])
  for (const [key, value] of options.data) {
    if (value === undefined) parameters.push([key])
    else parameters.push([key, byRuntime ? onHost(config, key, value) : value])
  }
  const has = (key: string): boolean => options.data.some(([one]) => one === key)
  if (type === 'tmpfs' && kind === 'folder' && stats !== undefined && !has('mode')) {
    parameters.push(['mode', (stats.mode & 0o7777).toString(8)])
  }
  if (byRuntime) {
    for (const key of ['uid', 'gid']) if (!has(key)) parameters.push([key, onHost(config, key, '0')])
  }
  const label = config.linux?.mountLabel ?? ''
  if (label !== '' && !unlabelled.has(type) && !has('context') && selinuxEnabled()) {
    parameters.push(['context', label])
  }
  return parameters
}

/** An id of the container's as the host has it. */
function onHost({ linux }: Config, key: string, value: string): string {
  if (key !== 'uid' && key !== 'gid') return value
  return /^\d+$/.test(value) ? String(mapped(linux?.[`${key}Mappings`], Number(value))) : value
}

/** An id of the container's as the host has it; where there is no map or none of it, the id itself. */
export function mapped(mappings: readonly ConfigIdMapping[] | undefined, id: number): number {
  const range = mappings?.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return range === undefined ? id : range.hostID + id - range.containerID
}
