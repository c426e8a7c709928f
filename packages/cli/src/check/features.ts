import type { Availability, Feature, HostFacts } from './feature.js'

/** Everything that is checked, in the order that it is shown. */
export const features: readonly Feature[] = [
  ...namespaces(),
  controller(
    'memory',
    'MEMCG',
    true,
    '--memory and the report of what ran out of memory',
    "cgroup_enable=memory on the kernel's command line",
  ),
  {
    group: 'Control groups',
    title: 'swap accounting',
    isNeeded: false,
    test: ({ accountsSwap }) => (accountsSwap ? 'there' : 'missing'),
    consequence:
      'no swap limit support: --memory-swap is refused, and a container at its memory limit goes on in swap',
    remedy: 'boot with swapaccount=1 (kernels before 5.8 with v1), or build with CONFIG_MEMCG',
  },
  controller('cpu', 'CGROUP_SCHED', true, '--cpus and --cpu-shares'),
  {
    group: 'Control groups',
    title: 'cpu quota',
    isNeeded: false,
    test: ({ config }) => option(config, 'CFS_BANDWIDTH'),
    consequence: '--cpus is refused',
    remedy: 'build with CONFIG_CFS_BANDWIDTH',
  },
  controller('cpuset', 'CPUSETS', false, '--cpuset-cpus'),
  controller('pids', 'CGROUP_PIDS', true, '--pids-limit; a fork bomb reaches the host'),
  {
    group: 'Control groups',
    title: 'device rules',
    isNeeded: false,
    test: ({ controllers, config, cgroupMode }) => {
      if (controllers.has('devices')) return 'there'
      return cgroupMode === 'v2' ? option(config, 'CGROUP_BPF') : 'missing'
    },
    consequence: 'device nodes of an image have no effect, and a container cannot make any',
    remedy: 'mount the devices controller of v1, or build with CONFIG_CGROUP_BPF',
  },
  {
    group: 'Control groups',
    title: 'freezer',
    isNeeded: false,
    test: ({ controllers, cgroupMode }) =>
      controllers.has('freezer') || cgroupMode === 'v2' ? 'there' : 'missing',
    consequence: 'pause and unpause are refused',
    remedy: 'mount the freezer controller (CONFIG_CGROUP_FREEZER), or use v2',
  },
  fileSystem(
    'overlay',
    'OVERLAY_FS',
    true,
    'images and copies of the host cannot be run, only --rootfs of a folder',
    'modprobe overlay',
  ),
  fileSystem('tmpfs', 'TMPFS', true, 'no container can start: it has no /dev', 'build with CONFIG_TMPFS'),
  fileSystem(
    'mqueue',
    'POSIX_MQUEUE',
    true,
    'no container can start: it has no /dev/mqueue',
    'build with CONFIG_POSIX_MQUEUE',
  ),
  fileSystem(
    'devpts',
    'UNIX98_PTYS',
    true,
    'no container can start: it has no terminals',
    'build with CONFIG_UNIX98_PTYS',
  ),
  ...network(),
  {
    group: 'Security',
    title: 'seccomp filters',
    isNeeded: true,
    test: ({ config, seccompActions }) =>
      seccompActions.size > 0 ? 'there' : option(config, 'SECCOMP_FILTER', 'missing'),
    consequence: 'containers start only with --security-opt seccomp=unconfined',
    remedy: 'build with CONFIG_SECCOMP_FILTER',
  },
]

/** Whether an option is set. `otherwise` is what silence of the configuration means. */
function option(
  config: HostFacts['config'],
  name: string,
  otherwise: Availability = config.size === 0 ? 'unknown' : 'missing',
): Availability {
  switch (config.get(name)) {
    case 'y':
      return 'there'
    case 'm':
      return 'module'
    case 'n':
      return 'missing'
    case undefined:
      return otherwise
  }
}

function namespaces(): Feature[] {
  const kinds = {
    mnt: 'NAMESPACES',
    uts: 'UTS_NS',
    ipc: 'IPC_NS',
    pid: 'PID_NS',
    net: 'NET_NS',
    cgroup: 'CGROUPS',
  }
  const needed = Object.entries(kinds).map(([kind, name]): Feature => ({
    group: 'Namespaces',
    title: `${kind} namespaces`,
    isNeeded: true,
    test: ({ namespaces: known }) => (known.has(kind) ? 'there' : 'missing'),
    consequence: 'no container can start',
    remedy: `build with CONFIG_${name}`,
  }))
  return [
    ...needed,
    {
      group: 'Namespaces',
      title: 'user namespaces',
      isNeeded: false,
      test: ({ namespaces: known, maxUserNamespaces }) =>
        known.has('user') && maxUserNamespaces > 0 ? 'there' : 'missing',
      consequence: 'containers need root, and root in a container is root of the host',
      remedy: 'build with CONFIG_USER_NS; sysctl -w user.max_user_namespaces=15000',
    },
  ]
}

function controller(
  name: string,
  config: string,
  isNeeded: boolean,
  uses: string,
  remedy = `mount the ${name} controller`,
): Feature {
  return {
    group: 'Control groups',
    title: `${name} controller`,
    isNeeded,
    test: ({ controllers }) => (controllers.has(name) ? 'there' : 'missing'),
    consequence: `not to be had: ${uses}`,
    remedy: `${remedy}, or build with CONFIG_${config}`,
  }
}

function fileSystem(
  name: string,
  config: string,
  isNeeded: boolean,
  consequence: string,
  remedy: string,
): Feature {
  return {
    group: 'File systems',
    title: name,
    isNeeded,
    test: ({ fileSystems, config: options }) =>
      fileSystems.has(name) ? 'there' : option(options, config) === 'module' ? 'module' : 'missing',
    consequence,
    remedy,
  }
}

function network(): Feature[] {
  const kind = (title: string, config: string, consequence: string, remedy: string): Feature => ({
    group: 'Network',
    title,
    isNeeded: false,
    test: ({ config: options }) => option(options, config),
    consequence,
    remedy: `${remedy}, or build with CONFIG_${config}`,
  })
  return [
    kind('bridge', 'BRIDGE', 'only --network none and host work', 'modprobe bridge'),
    kind('veth', 'VETH', 'only --network none and host work', 'modprobe veth'),
    {
      group: 'Network',
      title: 'netfilter',
      isNeeded: false,
      test: ({ hasNetfilter }) => (hasNetfilter ? 'there' : 'missing'),
      consequence: 'only --network none and host work',
      remedy: 'modprobe nf_tables, or build with CONFIG_NETFILTER',
    },
    kind('nf_tables', 'NF_TABLES', 'only --network none and host work', 'modprobe nf_tables'),
    kind('nf_tables NAT', 'NFT_NAT', 'ports cannot be published', 'modprobe nft_nat'),
    kind('nf_tables masquerading', 'NFT_MASQ', 'containers do not reach other hosts', 'modprobe nft_masq'),
    {
      group: 'Network',
      title: 'IPv4 forwarding',
      isNeeded: false,
      test: ({ forwardsPackets }) => (forwardsPackets ? 'there' : 'unknown'),
      consequence: 'off now; it is turned on with the first container on the bridge',
      remedy: 'sysctl -w net.ipv4.ip_forward=1',
    },
  ]
}
