import { option, type Probe } from './finding.js'

/** What is asked beyond control groups, in the order that it is shown. */
export const otherProbes: readonly Probe[] = [
  ...namespaces(),
  fileSystem(
    'overlay',
    'OVERLAY_FS',
    'layers of images can be put together only by copying',
    'modprobe overlay',
  ),
  fileSystem('tmpfs', 'TMPFS', 'no container can start: it has no /dev', 'build with CONFIG_TMPFS'),
  fileSystem(
    'mqueue',
    'POSIX_MQUEUE',
    'no container can start: it has no /dev/mqueue',
    'build with CONFIG_POSIX_MQUEUE',
  ),
  fileSystem(
    'devpts',
    'UNIX98_PTYS',
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
    consequence: 'system calls cannot be filtered: containers start only unconfined',
    remedy: 'build with CONFIG_SECCOMP_FILTER',
  },
]

function namespaces(): Probe[] {
  const kinds = {
    mnt: 'NAMESPACES',
    uts: 'UTS_NS',
    ipc: 'IPC_NS',
    pid: 'PID_NS',
    net: 'NET_NS',
    cgroup: 'CGROUPS',
  }
  const needed = Object.entries(kinds).map(([kind, name]): Probe => ({
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
    {
      group: 'Namespaces',
      title: 'time namespaces',
      isNeeded: false,
      test: ({ namespaces: known }) => (known.has('time') ? 'there' : 'missing'),
      consequence: 'containers cannot have clock offsets of their own',
      remedy: 'build with CONFIG_TIME_NS (Linux 5.6)',
    },
  ]
}

function fileSystem(name: string, config: string, consequence: string, remedy: string): Probe {
  return {
    group: 'File systems',
    title: name,
    isNeeded: true,
    test: ({ fileSystems, config: options }) =>
      fileSystems.has(name) ? 'there' : option(options, config) === 'module' ? 'module' : 'missing',
    consequence,
    remedy,
  }
}

function network(): Probe[] {
  const kind = (title: string, config: string, consequence: string, remedy: string): Probe => ({
    group: 'Network',
    title,
    isNeeded: false,
    test: ({ config: options }) => option(options, config),
    consequence,
    remedy: `${remedy}, or build with CONFIG_${config}`,
  })
  const noBridge = 'containers have no network of their own: none at all, or that of the host'
  return [
    kind('bridge', 'BRIDGE', noBridge, 'modprobe bridge'),
    kind('veth', 'VETH', noBridge, 'modprobe veth'),
    {
      group: 'Network',
      title: 'netfilter',
      isNeeded: false,
      test: ({ hasNetfilter }) => (hasNetfilter ? 'there' : 'missing'),
      consequence: noBridge,
      remedy: 'modprobe nf_tables, or build with CONFIG_NETFILTER',
    },
    kind('nf_tables', 'NF_TABLES', noBridge, 'modprobe nf_tables'),
    kind('nf_tables NAT', 'NFT_NAT', 'ports cannot be published', 'modprobe nft_nat'),
    kind('nf_tables masquerading', 'NFT_MASQ', 'containers do not reach other hosts', 'modprobe nft_masq'),
    {
      group: 'Network',
      title: 'IPv4 forwarding',
      isNeeded: false,
      test: ({ forwardsPackets }) => (forwardsPackets ? 'there' : 'unknown'),
      consequence: 'off now; it is turned on with the first container on the bridge',
      remedy: 'sysctl -w net.ipv4.ip_forward=1',
      warning: 'IPv4 forwarding is disabled',
    },
  ]
}
