import { statSync } from 'node:fs'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import type { RunOptions, Volume } from '../options.js'
import { defaultDeviceLinks, defaultDevices } from '../security/default-devices.js'
import { DEFAULT_SHM_SIZE } from '../security/default-mounts.js'
import type { Bind, ContainerSetup } from '../setup/container-setup.js'
import type { ContainerRecord } from './record.js'

/** Everything that a container sees when its program begins, from its options and from what was made for it. */
export function setupOf(
  context: Context,
  { id, network, cwd }: ContainerRecord,
  options: RunOptions,
  parts: Pick<ContainerSetup, 'root' | 'binds' | 'files' | 'devpts'>,
): ContainerSetup {
  return {
    ...parts,
    mountpoint: context.mountpoint,
    readOnlyRoot: options.readOnly ?? false,
    rootWithoutDevices: !context.hasDeviceRules,
    clonesDetachedMounts: context.host.clonesDetachedMounts,
    devices: defaultDevices,
    hostDevices: context.rootless !== undefined,
    deviceLinks: defaultDeviceLinks,
    hasTerminalGroup: context.rootless?.hasTerminalGroup ?? true,
    shmSize: options.shmSize ?? DEFAULT_SHM_SIZE,
    maskedPaths: context.host.maskedPaths,
    readOnlyPaths: context.host.readOnlyPaths,
    cgroups: context.hasCgroups
      ? context.hierarchy.mounts
          .filter(({ version }) => version === 1)
          .map((hierarchy) => ({ hierarchy, folder: hierarchy.mountpoint + context.cgroupPath(id) }))
      : undefined,
    hostSys: context.rootless !== undefined && network.mode === 'host',
    sysctls: { ...(network.mode === 'host' ? {} : networkSysctls(context)), ...options.sysctls },
    loopback: network.mode !== 'host' && network.mode !== 'bridge',
    cwd,
  }
}

/** As Docker: any user of the container may use low ports and ping. Groups must be mapped to be named. */
function networkSysctls({ rootless }: Context): Readonly<Record<string, string>> {
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': `0 ${rootless?.lastGroup ?? 2147483647}`,
  }
}

/**
 * A volume as the set-up takes it.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: it does not exist.
 */
export function bindOf({ source, target, readOnly = false }: Volume): Bind {
  try {
    return { source, target, readOnly, kind: statSync(source).isDirectory() ? 'folder' : 'file' }
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot mount ${source} at ${target}: it does not exist on the host`,
      { cause },
    )
  }
}
