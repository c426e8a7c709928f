import { describe, expect, it } from '@jest/globals'
import { planResources } from './plan-resources.js'
import type { Resources } from './resources.js'

const lines = (resources: Resources, version: 1 | 2) =>
  planResources(resources, version).map(({ file, value }) => `${file} = ${value}`)
const refused = (resources: Resources, version: 1 | 2, code: string, message: RegExp) => {
  expect(() => planResources(resources, version)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  )
}

describe('planResources() of block devices', () => {
  const disk = { major: 8, minor: 0 }
  const blockIO = {
    weight: 500,
    weightDevice: [{ ...disk, weight: 10 }],
    throttleReadBpsDevice: [{ ...disk, rate: 1_048_576 }],
    throttleWriteBpsDevice: [{ ...disk, rate: 'max' as const }],
    throttleReadIOPSDevice: [{ ...disk, rate: 100 }],
    throttleWriteIOPSDevice: [{ ...disk, rate: 200 }],
  }

  it('writes one file a limit on v1, where 0 is no limit', () => {
    expect(lines({ blockIO }, 1)).toEqual([
      'blkio.bfq.weight = 500',
      'blkio.bfq.weight_device = 8:0 10',
      'blkio.throttle.read_bps_device = 8:0 1048576',
      'blkio.throttle.write_bps_device = 8:0 0',
      'blkio.throttle.read_iops_device = 8:0 100',
      'blkio.throttle.write_iops_device = 8:0 200',
    ])
  })

  it('writes io.max on v2', () => {
    expect(lines({ blockIO }, 2)).toEqual([
      'io.bfq.weight = 500',
      'io.bfq.weight = 8:0 10',
      'io.max = 8:0 rbps=1048576',
      'io.max = 8:0 wbps=max',
      'io.max = 8:0 riops=100',
      'io.max = 8:0 wiops=200',
    ])
  })

  it('falls back to the weight of the other scheduler, whose range is stretched on v2', () => {
    const fallbacks = (version: 1 | 2) =>
      planResources({ blockIO: { weight: 750, weightDevice: [{ ...disk, weight: 1000 }] } }, version).map(
        ({ otherwise }) => otherwise,
      )
    expect(fallbacks(1)).toEqual([
      { controller: 'blkio', file: 'blkio.weight', value: '750' },
      { controller: 'blkio', file: 'blkio.weight_device', value: '8:0 1000' },
    ])
    expect(fallbacks(2)).toEqual([
      { controller: 'io', file: 'io.weight', value: '7475' },
      { controller: 'io', file: 'io.weight', value: '8:0 10000' },
    ])
  })

  it('refuses what is out of range', () => {
    refused({ blockIO: { weight: 9 } }, 1, 'ERR_CGROUP_INVALID_ARG', /blockIO\.weight/)
    const rate = { throttleReadBpsDevice: [{ ...disk, rate: 0 }] }
    refused({ blockIO: rate }, 1, 'ERR_CGROUP_INVALID_ARG', /throttleReadBpsDevice\[0\]\.rate/)
  })
})

describe('planResources() of the smaller controllers', () => {
  it('limits huge pages, and their reservations where the kernel can', () => {
    const hugepageLimits = [{ pageSize: '2MB', limit: 4_194_304 }]
    expect(planResources({ hugepageLimits }, 1)).toEqual([
      { controller: 'hugetlb', file: 'hugetlb.2MB.limit_in_bytes', value: '4194304' },
      { controller: 'hugetlb', file: 'hugetlb.2MB.rsvd.limit_in_bytes', value: '4194304', otherwise: 'skip' },
    ])
    expect(lines({ hugepageLimits: [{ pageSize: '1GB', limit: 'max' }] }, 2)).toEqual([
      'hugetlb.1GB.max = max',
      'hugetlb.1GB.rsvd.max = max',
    ])
    for (const pageSize of ['2mb', '../2MB', '', '2 MB'])
      refused({ hugepageLimits: [{ pageSize, limit: 0 }] }, 1, 'ERR_CGROUP_INVALID_ARG', /pageSize/)
  })

  it('marks network traffic', () => {
    const network = { classID: 0x10_0001, priorities: [{ name: 'eth0', priority: 5 }] }
    expect(lines({ network }, 1)).toEqual(['net_cls.classid = 1048577', 'net_prio.ifpriomap = eth0 5'])
    const priorities = [{ name: 'eth0 1\neth1', priority: 5 }]
    refused({ network: { priorities } }, 1, 'ERR_CGROUP_INVALID_ARG', /priorities\[0\]\.name/)
  })

  it('limits RDMA devices and what misc counts', () => {
    const rdma = { mlx4_0: { hcaHandles: 2, hcaObjects: 2000 }, mlx4_1: { hcaObjects: 1 }, mlx4_2: {} }
    expect(lines({ rdma, misc: { sev: 3, sev_es: 'max' } }, 2)).toEqual([
      'rdma.max = mlx4_0 hca_handle=2 hca_object=2000',
      'rdma.max = mlx4_1 hca_object=1',
      'misc.max = sev 3',
      'misc.max = sev_es max',
    ])
  })

  it('writes real-time limits and TCP buffers on v1 only', () => {
    const cpu = { realtimeRuntime: 500_000, realtimePeriod: 1_000_000 }
    expect(lines({ cpu }, 1)).toEqual(['cpu.rt_period_us = 1000000', 'cpu.rt_runtime_us = 500000'])
    refused({ cpu }, 2, 'ERR_CGROUP_UNSUPPORTED', /realtimeRuntime/)
    expect(lines({ memory: { kernelTCP: 4096 } }, 1)).toEqual(['memory.kmem.tcp.limit_in_bytes = 4096'])
    refused({ memory: { kernelTCP: 4096 } }, 2, 'ERR_CGROUP_UNSUPPORTED', /kernelTCP/)
  })
})

describe('planResources() of unified', () => {
  it('writes what it says last, a line at a time', () => {
    const unified = { 'pids.max': '42', 'io.max': '8:0 riops=1\n8:16 riops=2\n' }
    expect(lines({ unified, pids: { limit: 7 } }, 2)).toEqual([
      'pids.max = 7',
      'pids.max = 42',
      'io.max = 8:0 riops=1',
      'io.max = 8:16 riops=2',
    ])
  })

  it('is of v2 only, and leads nowhere else', () => {
    refused({ unified: { 'pids.max': '1' } }, 1, 'ERR_CGROUP_UNSUPPORTED', /unified\.pids\.max/)
    for (const name of ['NOT-A-VALID-KEY', 'a/b.c', 'cpu.../x', '.max', 'Cpu.max', 'cpu.max\0'])
      refused({ unified: { [name]: 'x' } }, 2, 'ERR_CGROUP_INVALID_ARG', /has not the form CONTROLLER\.VALUE/)
  })
})
