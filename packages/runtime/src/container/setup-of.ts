import type { Context } from '../context.js'
import type { RunOptions } from '../options.js'
import { findDevices } from '../sandbox/host-devices.js'
import { systemPathsOf } from '../sandbox/system-paths.js'
import { parseTmpfs } from '../sandbox/tmpfs.js'
import { defaultDeviceLinks, defaultDevices } from '../security/default-devices.js'
import { DEFAULT_SHM_SIZE } from '../security/default-mounts.js'
import type { ContainerSetup } from '../setup/container-setup.js'
import type { ContainerIds } from '../userns/container-ids.js'
import type { ContainerRecord } from './record.js'

/** Everything that a container sees when its program begins, from its options and from what was made for it. */
export function setupOf(
  context: Context,
  { id, network, cwd }: ContainerRecord,
  options: RunOptions,
  parts: Pick<ContainerSetup, 'root' | 'binds' | 'files' | 'devpts'> & {
    /** Of another container, where it shares that. */
    readonly sharedMemory?: number | undefined
    /** Of its user namespace, where it has one. */
    readonly ids: ContainerIds | undefined
  },
): ContainerSetup {
  const { ids, sharedMemory, ...given } = parts
  const systemPaths = systemPathsOf(
    options.privileged === true ? 'unconfined' : options.systemPaths,
    context.host,
  )
  const devices = [...defaultDevices, ...findDevices(options).nodes]
  const sharesNetwork = network.mode === 'host' || network.mode === 'container'
  return {
    ...given,
    // root of a user namespace may not come to ours, and every host has this one, covered for the child alone
    mountpoint: ids === undefined || context.rootless !== undefined ? context.mountpoint : '/sys',
    readOnlyRoot: options.readOnly ?? false,
    rootWithoutDevices: !context.hasDeviceRules || ids !== undefined,
    clonesDetachedMounts: context.host.clonesDetachedMounts,
    devices,
    tmpfs: Object.entries(options.tmpfs ?? {}).map(([path, text]) => parseTmpfs(path, text)),
    sharedMemory:
      sharedMemory ?? (options.ipc === 'host' || options.ipc === 'none' ? options.ipc : 'private'),
    writableSystem: options.privileged ?? false,
    hostDevices: ids !== undefined,
    deviceLinks: defaultDeviceLinks,
    hasTerminalGroup: ids?.hasTerminalGroup ?? true,
    shmSize: options.shmSize ?? DEFAULT_SHM_SIZE,
    maskedPaths: systemPaths.masked,
    readOnlyPaths: systemPaths.readOnly,
    cgroups: context.hasCgroups
      ? context.hierarchy.mounts
          .filter(({ version }) => version === 1)
          .map((hierarchy) => ({ hierarchy, folder: hierarchy.mountpoint + context.cgroupPath(id) }))
      : undefined,
    hostSys: ids !== undefined && network.mode === 'host',
    sysctls: { ...(sharesNetwork ? {} : networkSysctls(ids)), ...options.sysctls },
    loopback: !sharesNetwork && network.networks.length === 0,
    cwd,
  }
}

/** As Docker: any user of the container may use low ports and ping. Groups must be mapped to be named. */
function networkSysctls(ids: ContainerIds | undefined): Readonly<Record<string, string>> {
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': `0 ${ids?.lastGroup ?? 2147483647}`,
  }
}
