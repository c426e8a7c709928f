import { option, type Availability, type Probe } from './finding.js'
import type { HostFacts } from './host-facts.js'

const group = 'Control groups'

/** What is asked about control groups, in the order that it is shown. */
export const cgroupProbes: readonly Probe[] = [
  {
    group,
    title: 'hierarchy',
    isNeeded: true,
    test: ({ cgroupMode }) => (cgroupMode === undefined ? 'missing' : 'there'),
    consequence: 'nothing can be limited, counted or frozen',
    remedy: 'mount -t cgroup2 none /sys/fs/cgroup, or build with CONFIG_CGROUPS',
  },
  controller('memory', 'MEMCG', {
    isNeeded: true,
    consequence: 'memory cannot be limited, and nothing tells what ran out of it',
    remedy: "cgroup_enable=memory on the kernel's command line",
    warning: 'No memory limit support',
  }),
  file('swap accounting', ['memory.memsw.limit_in_bytes', 'memory.swap.max'], 'memory.max', {
    consequence: 'swap cannot be limited: a group at its memory limit goes on in swap',
    remedy: 'boot with swapaccount=1 (v1, kernels before 5.8), or build with CONFIG_SWAP',
    warning: 'No swap limit support',
  }),
  file('memory reservation', ['memory.soft_limit_in_bytes', 'memory.low'], 'memory.max', {
    consequence: 'no memory can be kept for a group; a real-time kernel on v1 has no such thing',
    remedy: 'use v2',
    warning: 'No memory reservation support',
  }),
  onlyOnV1('OOM killer switch', 'memory.oom_control', {
    consequence: 'processes over the limit are killed, and cannot be made to wait instead',
    warning: 'No oom kill disable support',
  }),
  onlyOnV1('swappiness', 'memory.swappiness', {
    consequence: 'how readily a group is swapped cannot be set',
    warning: 'No memory swappiness support',
  }),
  controller('cpu', 'CGROUP_SCHED', {
    isNeeded: true,
    consequence: 'processor time can be neither shared out nor limited',
    warning: 'No cpu shares support',
  }),
  file('cpu quota', ['cpu.cfs_quota_us', 'cpu.max'], 'cpu.weight', {
    config: 'CFS_BANDWIDTH',
    consequence: 'processor time cannot be limited, only shared out',
    remedy: 'build with CONFIG_CFS_BANDWIDTH',
    warning: 'No cpu cfs quota support',
  }),
  {
    group,
    title: 'real-time quota',
    isNeeded: false,
    test: ({ interfaceFiles, config }) =>
      interfaceFiles.has('cpu.rt_runtime_us') ? 'there' : option(config, 'RT_GROUP_SCHED'),
    consequence: 'groups cannot be given time for real-time processes (v1)',
    remedy: 'build with CONFIG_RT_GROUP_SCHED',
  },
  controller('cpuset', 'CPUSETS', {
    consequence: 'groups cannot be bound to processors and memory nodes',
    warning: 'No cpuset support',
  }),
  controller('pids', 'CGROUP_PIDS', {
    isNeeded: true,
    consequence: 'the number of processes cannot be limited: a fork bomb reaches the host',
    warning: 'No pids limit support',
  }),
  {
    group,
    title: 'block I/O controller',
    isNeeded: false,
    test: ({ controllers }) => (controllers.has('io') || controllers.has('blkio') ? 'there' : 'missing'),
    consequence: 'reads and writes of block devices can be neither limited nor counted',
    remedy: 'mount the io (v2) or blkio (v1) controller, or build with CONFIG_BLK_CGROUP',
    warning: 'No blkio throttle.read_bps_device support',
  },
  file('block I/O throttling', ['blkio.throttle.read_bps_device', 'io.max'], 'io.stat', {
    config: 'BLK_DEV_THROTTLING',
    consequence: 'block devices cannot be limited in bytes and operations a second',
    remedy: 'build with CONFIG_BLK_DEV_THROTTLING',
    warning: 'No blkio throttle.read_bps_device support',
  }),
  {
    group,
    title: 'block I/O weights',
    isNeeded: false,
    test: ({ interfaceFiles: files, config }) =>
      ['io.bfq.weight', 'io.weight', 'blkio.bfq.weight', 'blkio.weight'].some((name) => files.has(name))
        ? 'there'
        : option(config, 'IOSCHED_BFQ'),
    consequence: 'block devices cannot be shared out by weight',
    remedy: 'modprobe bfq and choose it as scheduler of the device, or build with CONFIG_IOSCHED_BFQ',
    warning: 'No blkio weight support',
  },
  {
    group,
    title: 'device rules',
    isNeeded: false,
    test: ({ controllers, config, cgroupMode }) => {
      if (controllers.has('devices')) return 'there'
      return cgroupMode === 'v2' ? option(config, 'CGROUP_BPF') : 'missing'
    },
    consequence: 'device nodes cannot be allowed one by one: there are none, or all work',
    remedy: 'mount the devices controller of v1, or build with CONFIG_CGROUP_BPF',
  },
  {
    group,
    title: 'freezer',
    isNeeded: false,
    test: ({ controllers, cgroupMode }) =>
      controllers.has('freezer') || cgroupMode === 'v2' ? 'there' : 'missing',
    consequence: 'groups cannot be paused',
    remedy: 'mount the freezer controller (CONFIG_CGROUP_FREEZER), or use v2',
  },
  {
    group,
    title: 'pressure figures',
    isNeeded: false,
    test: ({ hasPressure, config }) => (hasPressure ? 'there' : option(config, 'PSI')),
    consequence: 'nothing tells how long processes wait for processor, memory and devices',
    remedy: 'boot with psi=1, or build with CONFIG_PSI',
  },
  controller('hugetlb', 'CGROUP_HUGETLB', { consequence: 'huge pages cannot be limited' }),
  controller('rdma', 'CGROUP_RDMA', { consequence: 'RDMA devices cannot be limited' }),
]

type Words = Partial<Pick<Probe, 'isNeeded' | 'remedy' | 'warning'>> & Pick<Probe, 'consequence'>

function controller(name: string, config: string, words: Words): Probe {
  const { isNeeded = false, remedy = `mount the ${name} controller`, ...rest } = words
  return {
    group,
    title: `${name} controller`,
    isNeeded,
    test: ({ controllers }) => (controllers.has(name) ? 'there' : 'missing'),
    ...rest,
    remedy: `${remedy}, or build with CONFIG_${config}`,
  }
}

/**
 * Something that a file stands for, by its names on both versions. On v2 only groups that there are tell: without any
 * that has `sign`, a file of the same controller, the configuration does.
 */
function file(
  title: string,
  names: readonly string[],
  sign: string,
  { config: name, remedy = '', ...words }: Words & { readonly config?: string },
): Probe {
  return {
    group,
    title,
    isNeeded: false,
    test: ({ interfaceFiles, config, cgroupMode }): Availability => {
      if (names.some((one) => interfaceFiles.has(one))) return 'there'
      if (name !== undefined) return option(config, name)
      return cgroupMode === 'v2' && !interfaceFiles.has(sign) ? 'unknown' : 'missing'
    },
    remedy,
    ...words,
  }
}

function onlyOnV1(title: string, name: string, words: Pick<Probe, 'consequence' | 'warning'>): Probe {
  return {
    group,
    title,
    isNeeded: false,
    test: ({ interfaceFiles, controllers }: HostFacts): Availability =>
      // v2 has nothing like it, and nobody misses it there
      interfaceFiles.has(name) ? 'there' : controllers.get('memory') === 1 ? 'missing' : 'unknown',
    remedy: 'mount the memory controller on v1; v2 has no such thing',
    ...words,
  }
}
