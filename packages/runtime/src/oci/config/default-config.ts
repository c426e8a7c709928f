import type { Capability } from '../../security/capability.js'
import type { Config, ConfigMount, ConfigNamespaceType } from './config.js'

/** Version of the specification that this runtime follows. */
export const OCI_VERSION = '1.3.0'

const capabilities: readonly Capability[] = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

const mounts: readonly ConfigMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  {
    destination: '/dev/mqueue',
    type: 'mqueue',
    source: 'mqueue',
    options: ['nosuid', 'noexec', 'nodev'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
]

// without a network namespace of its own, a user namespace cannot mount sysfs; nor can it give files to group 5
const rootlessMounts: readonly ConfigMount[] = mounts.map((mount) => {
  if (mount.destination === '/dev/pts') {
    return { ...mount, options: mount.options?.filter((option) => option !== 'gid=5') }
  }
  if (mount.destination !== '/sys') return mount
  return {
    destination: '/sys',
    type: 'none',
    source: '/sys',
    options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
  }
})

function namespaces(...types: readonly ConfigNamespaceType[]): readonly { type: ConfigNamespaceType }[] {
  return types.map((type) => ({ type }))
}

/** Settings of {@link defaultConfig}. */
export interface DefaultConfigOptions {
  /** For a caller without privileges: a user namespace, the host's network and no limits. Default false. */
  readonly rootless?: boolean
  /** On cgroup v2 hosts the container gets a cgroup namespace. */
  readonly cgroupNamespace: boolean
}

/** The config that the `spec` command writes into a new bundle: a shell on a terminal. */
export function defaultConfig({ rootless = false, cgroupNamespace }: DefaultConfigOptions): Config {
  const cgroup = cgroupNamespace ? namespaces('cgroup') : []
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'ctr',
    mounts: rootless ? rootlessMounts : mounts,
    linux: {
      ...(rootless ? ownMappings() : { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
      namespaces: rootless
        ? [...namespaces('pid', 'ipc', 'uts', 'mount'), ...cgroup, ...namespaces('user')]
        : [...namespaces('pid', 'network', 'ipc', 'uts', 'mount'), ...cgroup],
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/sys/firmware',
        '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

function ownMappings(): NonNullable<Config['linux']> {
  return {
    uidMappings: [{ containerID: 0, hostID: process.geteuid!(), size: 1 }],
    gidMappings: [{ containerID: 0, hostID: process.getegid!(), size: 1 }],
  }
}
