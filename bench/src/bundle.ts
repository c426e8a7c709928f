// The peers' bundle is made of the same lists that our runtime works with, which are no part of its interface.
import { release } from 'node:os'
import { architecture } from '@ctr/linux'
import { defaultCapabilities } from '../../packages/runtime/src/security/capability.js'
import { defaultDeviceRules } from '../../packages/runtime/src/security/default-devices.js'
import { defaultMounts } from '../../packages/runtime/src/security/default-mounts.js'
import { defaultSeccompProfile } from '../../packages/runtime/src/security/default-seccomp-profile.js'
import { defaultMaskedPaths, defaultReadonlyPaths } from '../../packages/runtime/src/security/hidden-paths.js'
import { limits } from './workload.js'

/** What differs between bundles. */
export interface BundleOptions {
  readonly command: readonly string[]
  /** Absolute path of the root file system, a plain folder. */
  readonly rootfs: string
  /** Folder with `hosts`, `hostname` and `resolv.conf`, which are bound into the container. */
  readonly etc: string
  /** Absolute path below each cgroup hierarchy. Default: the runtime's own choice, by the container's id. */
  readonly cgroupsPath?: string | undefined
}

/**
 * `config.json` of a container as like ours as an OCI bundle can say it: namespaces, mounts, capabilities,
 * seccomp profile, hidden paths, kernel parameters and limits are the same. Its root is a plain folder.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/config.md}
 */
export function bundleConfig({ command, rootfs, etc, cgroupsPath }: BundleOptions): string {
  const capabilities = [...defaultCapabilities]
  const config = {
    ociVersion: '1.2.0',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: command,
      env: ['PATH=/bin', 'HOSTNAME=bench', 'HOME=/root'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: false,
    },
    root: { path: rootfs, readonly: false },
    hostname: 'bench',
    mounts: [
      ...defaultMounts(),
      ...['hosts', 'hostname', 'resolv.conf'].map((name) => ({
        destination: `/etc/${name}`,
        type: 'bind',
        source: `${etc}/${name}`,
        options: ['rbind', 'rprivate'],
      })),
    ],
    linux: {
      namespaces: ['mount', 'uts', 'ipc', 'pid', 'cgroup', 'network'].map((type) => ({ type })),
      maskedPaths: defaultMaskedPaths,
      readonlyPaths: defaultReadonlyPaths,
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
      seccomp: defaultSeccompProfile({
        capabilities,
        architecture: architecture(),
        kernelVersion: release(),
      }),
      resources: {
        devices: defaultDeviceRules,
        memory: { limit: limits.memory },
        cpu: { quota: limits.cpus * 100_000, period: 100_000 },
        pids: { limit: limits.pids },
      },
      cgroupsPath,
    },
  }
  return stringifyExactly(config)
}

/** JSON with bigints as numbers. No text in a bundle looks like the mark. */
function stringifyExactly(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? `bigint:${part}` : part,
  )
  return text.replace(/"bigint:(\d+)"/g, '$1')
}
