import { describe, expect, it } from '@jest/globals'
import type { ConfigScheduler } from '../config/config.js'
import { idBitmap, parseIdList } from './id-list.js'
import { checkIntelRdt, resctrlRoot } from './intel-rdt.js'
import { apparmorEnabled, checkLabels, selinuxEnabled } from './labels.js'
import { checkMemoryPolicy } from './memory-policy.js'
import { ownCapabilities } from './own-capabilities.js'
import { checkRlimits, ownRlimit } from './rlimits.js'
import { checkScheduler } from './scheduler.js'
import { differingSchema, schemataOf } from './schemata.js'
import { checkSysctls } from './sysctl.js'
import { timeOffsetsOf } from './time-offsets.js'

describe('parseIdList() and idBitmap()', () => {
  it.each([
    ['0-3,5', [0, 1, 2, 3, 5]],
    ['7, 1-2 ,1', [1, 2, 7]],
    ['', []],
    [' 3', [3]],
  ])('reads %j', (list, ids) => {
    expect(parseIdList('nodes', list, 7)).toEqual(ids)
  })

  it.each(['bad', '3-1', '8', '0-9876543210', '1-', '-1', '0x1', '1 2'])('refuses %j', (list) => {
    expect(() => parseIdList('memory policy nodes', list, 7)).toThrow('invalid memory policy nodes')
  })

  it('makes words of 64 bits', () => {
    expect(Buffer.from(idBitmap([0, 9, 64])).toString('hex')).toBe('01020000000000000100000000000000')
    expect(idBitmap([]).length).toBe(8)
  })
})

describe('checkScheduler()', () => {
  const deadline = (times: Partial<ConfigScheduler>) => (): void => {
    checkScheduler({ policy: 'SCHED_DEADLINE', ...times })
  }

  it.each<[string, Partial<ConfigScheduler>]>([
    ['`SCHED_DEADLINE` requires `runtime`', { deadline: 20000000, period: 20000000 }],
    ['`SCHED_DEADLINE` requires `deadline`', { runtime: 10000000, period: 20000000 }],
    ['`SCHED_DEADLINE` runtime must be greater than 0', { runtime: 0, deadline: 20000000, period: 20000000 }],
    ['runtime (30000000) must be <= deadline (20000000)', { runtime: 30000000, deadline: 20000000 }],
    ['deadline (3000) must be <= period (2000)', { runtime: 1500, deadline: 3000n, period: 2000 }],
    ['runtime (1023) must be between 1024 and', { runtime: 1023, deadline: 10000000 }],
    ['runtime (9223372036854775808) must be between', { runtime: 2n ** 63n, deadline: 2n ** 63n }],
  ])('says %s', (message, times) => {
    expect(deadline(times)).toThrow(
      `sched_setattr: ${message.startsWith('`') ? '' : '`SCHED_DEADLINE` '}${message}`,
    )
  })

  it('lets the rest pass', () => {
    expect(deadline({ runtime: 10000000, deadline: 20000000 })).not.toThrow()
    expect(deadline({ policy: 'SCHED_OTHER', nice: 5 })).not.toThrow()
  })
})

describe('checkMemoryPolicy()', () => {
  it('knows which modes take nodes', () => {
    expect(() => {
      checkMemoryPolicy({ mode: 'MPOL_DEFAULT', nodes: '0-7' })
    }).toThrow('mode requires 0 nodes but got 8')
    expect(() => {
      checkMemoryPolicy({ mode: 'MPOL_INTERLEAVE' })
    }).toThrow('mode requires at least one node but got 0')
    for (const mode of ['MPOL_DEFAULT', 'MPOL_LOCAL', 'MPOL_PREFERRED'] as const) checkMemoryPolicy({ mode })
    checkMemoryPolicy({ mode: 'MPOL_PREFERRED', nodes: '0' })
  })
})

describe('checkRlimits()', () => {
  const own = ownRlimit('RLIMIT_NOFILE').hard

  it('lets what is not above our own pass', () => {
    expect(() => {
      checkRlimits([{ type: 'RLIMIT_NOFILE', soft: 1, hard: own }])
    }).not.toThrow()
  })

  it('refuses to raise a hard limit without CAP_SYS_RESOURCE', () => {
    const raise = (): void => {
      checkRlimits([{ type: 'RLIMIT_NOFILE', soft: 1, hard: own + 1n }])
    }
    if (ownCapabilities().effective.has(24)) expect(raise).not.toThrow()
    else expect(raise).toThrow(`cannot set RLIMIT_NOFILE to ${own + 1n}: operation not permitted`)
  })
})

describe('checkLabels()', () => {
  it('refuses what nothing here enforces', () => {
    expect(() => {
      checkLabels({ apparmorProfile: '', selinuxLabel: '' })
    }).not.toThrow()
    if (!selinuxEnabled()) {
      expect(() => {
        checkLabels({ selinuxLabel: 'u:r:t:s0' })
      }).toThrow('cannot use process.selinuxLabel "u:r:t:s0": SELinux is not enabled on this host')
    }
    if (!apparmorEnabled()) {
      expect(() => {
        checkLabels({ apparmorProfile: 'ctr' })
      }).toThrow('cannot use process.apparmorProfile "ctr": AppArmor is not enabled on this host')
    }
  })
})

describe('checkSysctls()', () => {
  const linux = (path: string | undefined, name: string) => ({
    namespaces: [{ type: 'network' as const, path }],
    sysctl: { [name]: '1' },
  })

  it('refuses the network of the host by its path', () => {
    expect(() => {
      checkSysctls(linux('/proc/self/ns/net', 'net.ipv4.ip_forward'))
    }).toThrow('"net.ipv4.ip_forward" is not allowed in the host network namespace')
    for (const [path, name] of [
      [undefined, 'net.ipv4.ip_forward'],
      ['/proc/self/ns/ipc', 'net.ipv4.ip_forward'],
      ['/proc/self/ns/net', 'kernel.msgmax'],
    ] as const) {
      expect(() => {
        checkSysctls(linux(path, name))
      }).not.toThrow()
    }
  })
})

describe('timeOffsetsOf()', () => {
  it('adds seconds and nanoseconds', () => {
    expect(timeOffsetsOf({ monotonic: { secs: 3 }, boottime: { secs: -1n, nanosecs: 5 } })).toEqual({
      monotonicNs: 3_000_000_000n,
      boottimeNs: -999_999_995n,
    })
    expect(timeOffsetsOf({})).toEqual({ monotonicNs: undefined, boottimeNs: undefined })
  })
})

describe('schemata of intelRdt', () => {
  it('are cache, bandwidth and then the rest, a line each', () => {
    expect(schemataOf({ schemata: ['L2:0=f'], memBwSchema: 'MB:0=20', l3CacheSchema: 'L3:0=ff' })).toBe(
      'L3:0=ff\nMB:0=20\nL2:0=f\n',
    )
    expect(schemataOf({ closID: 'x' })).toBe('')
  })

  it('are compared by value', () => {
    const current = '    MB:0= 20;1=100\n    L3:0=0ff;1=c0\n'
    expect(differingSchema('L3:1=0C0;0=ff\nMB:1=100\n', current)).toBeUndefined()
    expect(differingSchema('L3:0=ff\nMB:0=30\n', current)).toBe('MB:0=30')
    expect(differingSchema('L2:0=1', current)).toBe('L2:0=1')
    expect(differingSchema('', current)).toBeUndefined()
  })

  it('are refused where there is no resctrl, and when they lead elsewhere', () => {
    if (resctrlRoot() === undefined) {
      expect(() => checkIntelRdt({ closID: 'x' })).toThrow('no resctrl file system is mounted on this host')
    }
    for (const closID of ['', '.', '..', 'a/b', '//']) {
      expect(() => checkIntelRdt({ closID }, '/sys/fs/resctrl')).toThrow('must be the name of a folder, or /')
    }
    expect(() => checkIntelRdt({ l3CacheSchema: 'L3:0=1\nMB:0=1' }, '/r')).toThrow('more than one line')
    expect(checkIntelRdt({ closID: '/' }, '/r')).toBe('/r')
  })
})
