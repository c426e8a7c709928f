import { describe, expect, it } from '@jest/globals'
import { ownCapabilities, ownRlimit } from '@ctr/namespaces'
import { checkProcess } from '../check-host.js'
import type { ConfigCpuAffinity } from '../config/config.js'
import { noLog } from '../log.js'
import { attributesOf, type AttributesContext } from './attributes.js'
import { cpuMask } from './cpu-list.js'
import { parseIdList } from './id-list.js'
import { checkIntelRdt, resctrlRoot } from './intel-rdt.js'
import { apparmorEnabled, checkLabels, selinuxEnabled } from './labels.js'
import { differingSchema, schemataOf } from './schemata.js'
import { checkSysctls } from './sysctl.js'
import { timeOffsetsOf } from './time-offsets.js'

describe('parseIdList()', () => {
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
})

describe('attributesOf()', () => {
  const process = { args: ['x'], cwd: '/', user: { uid: 0, gid: 0 } }
  const context: AttributesContext = {
    id: 'c1',
    userNamespace: true,
    keyring: true,
    joins: false,
    personality: undefined,
    memoryPolicy: undefined,
    log: noLog,
  }

  it('has the defaults of a container', () => {
    expect(attributesOf(process, context)).toMatchObject({
      cpuAffinity: { final: 'all' },
      umask: 0o022,
      sessionKeyring: { name: '_ses.c1', searchable: true },
      securebits: 0,
      ownStreams: true,
    })
  })

  it('takes the CPUs of the config for a process that joins', () => {
    const cpus = (execCPUAffinity: ConfigCpuAffinity, joins = true): unknown =>
      attributesOf({ ...process, execCPUAffinity }, { ...context, joins }).cpuAffinity
    expect(cpus({ initial: '0-1,64' })).toEqual({ initial: [0, 1, 64] })
    expect(cpus({ initial: '', final: '3' })).toEqual({ final: [3] })
    expect(cpus({})).toEqual({ final: 'all' })
    expect(cpus({ final: '3' }, false)).toEqual({ final: 'all' })
    expect(() => cpus({ final: '0-8192' })).toThrow('invalid CPU affinity "0-8192"')
    expect(cpuMask('0-1,4')).toBe('0x13')
  })

  it('reports flags of the personality', () => {
    const warnings: string[] = []
    const log = { ...noLog, warn: (message: string) => warnings.push(message) }
    const personality = { domain: 'LINUX32', flags: ['ADDR_NO_RANDOMIZE'] } as const
    expect(attributesOf(process, { ...context, personality, log }).personality).toBe('LINUX32')
    expect(warnings).toEqual(['ignoring unsupported personality flags: ADDR_NO_RANDOMIZE'])
  })

  it('turns refusals into errors of the config and of limits', () => {
    const process = { args: ['x'], cwd: '/', user: { uid: 0, gid: 0 } }
    const refused = (rest: object): unknown => {
      try {
        checkProcess({ ...process, ...rest })
      } catch (error) {
        return error
      }
      return undefined
    }
    expect(refused({ scheduler: { policy: 'SCHED_DEADLINE' } })).toMatchObject({
      code: 'ERR_RUNTIME_CONFIG',
      message: 'cannot use the config: sched_setattr: `SCHED_DEADLINE` requires `runtime`',
    })
    if (ownCapabilities().effective.has(24)) return // it may raise any limit
    const { hard } = ownRlimit('RLIMIT_NOFILE')
    expect(refused({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: hard + 1n }] })).toMatchObject({
      code: 'ERR_RUNTIME_LIMIT',
    })
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
