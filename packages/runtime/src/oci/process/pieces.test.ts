import { describe, expect, it } from '@jest/globals'
import { explain, Program } from '@ctr/linux'
import { noLog } from '../log.js'
import { cpuMask, setFinalAffinity, setInitialAffinity } from './cpu-affinity.js'
import { resetSecurebits } from './credentials.js'
import { setIoPriority } from './io-priority.js'
import { joinSessionKeyring } from './keyring.js'
import { setKeyLabel, setLabels } from './labels.js'
import { setMemoryPolicy } from './memory-policy.js'
import { setOomScoreAdj } from './oom-score.js'
import { setPersonality } from './personality.js'
import { openProc } from './proc.js'
import { raiseRlimits, setRlimits } from './rlimits.js'
import { setScheduler } from './scheduler.js'
import { setSysctls } from './sysctl.js'
import { setUmask } from './umask.js'
import { setDomainname } from './uts.js'

function explained(add: (program: Program) => void): string[] {
  const program = new Program()
  add(program)
  return explain(program).trimEnd().split('\n')
}

const how = '{flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS'

describe('pieces of stage 1', () => {
  it('raiseRlimits() raises only hard limits that are too low', () => {
    expect(
      explained((program) => {
        raiseRlimits(
          program,
          [
            { type: 'RLIMIT_NOFILE', soft: 2048, hard: 4096 },
            { type: 'RLIMIT_NPROC', soft: 50, hard: 100 },
            { type: 'RLIMIT_CORE', soft: 0, hard: 2n ** 64n - 1n },
          ],
          { pid: 7, own: () => ({ soft: 512n, hard: 1024n }) },
        )
      }),
    ).toEqual([
      '# raise the hard limit RLIMIT_NOFILE from 1024 to 4096',
      'prlimit64(7, RLIMIT_NOFILE, {soft: 512, hard: 4096}, NULL)',
      '# raise the hard limit RLIMIT_CORE from 1024 to unlimited',
      'prlimit64(7, RLIMIT_CORE, {soft: 512, hard: unlimited}, NULL)',
    ])
  })

  it('setOomScoreAdj() writes the file of the process itself', () => {
    expect(
      explained((program) => {
        setOomScoreAdj(program, -999)
      }),
    ).toEqual([
      '# set the OOM score adjustment to -999, for which low values need CAP_SYS_RESOURCE',
      'openat(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY|O_CLOEXEC) -> $0',
      'write($0, "-999", 4)',
      'close($0)',
    ])
  })

  it('setIoPriority()', () => {
    expect(
      explained((program) => {
        setIoPriority(program, { class: 'IOPRIO_CLASS_BE', priority: 4 })
      }),
    ).toEqual([
      '# set the I/O priority',
      'ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4))',
    ])
  })

  it('setInitialAffinity() and setFinalAffinity()', () => {
    const affinity = (config: { initial?: string; final?: string } | undefined): string[] =>
      explained((program) => {
        if (config !== undefined) setInitialAffinity(program, config)
        setFinalAffinity(program, config)
      })
    const reset = ['# allow all CPUs of the cgroup', 'sched_setaffinity(0, 1024, [all])  # may fail']
    expect(affinity(undefined)).toEqual(reset)
    expect(affinity({ initial: '', final: '' })).toEqual(reset)
    expect(affinity({ initial: '0-3,64' })).toEqual([
      '# set the initial CPU affinity',
      'sched_setaffinity(0, 16, [0-3,64])',
    ])
    expect(affinity({ initial: '0', final: '1' }).slice(2)).toEqual([
      '# set the final CPU affinity',
      'sched_setaffinity(0, 8, [1])',
    ])
    expect(() => affinity({ final: '0-8192' })).toThrow('invalid CPU affinity "0-8192"')
    expect(cpuMask('0-1,4')).toBe('0x13')
  })

  it('setSysctls() writes below a procfs that nobody can reach', () => {
    expect(
      explained((program) => {
        setSysctls(
          program,
          { 'net.ipv4.ip_forward': '1', 'net/ipv4/conf/eth0.1/forwarding': '0' },
          openProc(program),
        )
      }),
    ).toEqual([
      '# open a procfs of our own',
      'fsopen("proc", FSOPEN_CLOEXEC) -> $0',
      'fsconfig($0, FSCONFIG_CMD_CREATE, NULL, NULL, 0)',
      'fsmount($0, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC) -> $2',
      'close($0)',
      '# set the sysctl net.ipv4.ip_forward',
      `openat2($2, "sys/net/ipv4/ip_forward", ${how}|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24) -> $4`,
      'write($4, "1", 1)  # at least 1',
      'close($4)',
      '# set the sysctl net/ipv4/conf/eth0.1/forwarding',
      `openat2($2, "sys/net/ipv4/conf/eth0.1/forwarding", ${how}|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24) -> $7`,
      'write($7, "0", 1)  # at least 1',
      'close($7)',
    ])
    expect(() =>
      explained((program) => {
        setSysctls(program, { 'net/../kernel/core_pattern': '|/x' }, 3)
      }),
    ).toThrow('net/../kernel/core_pattern')
  })

  it('setDomainname()', () => {
    expect(
      explained((program) => {
        setDomainname(program, 'example')
      }),
    ).toEqual(['# set the domain name', 'setdomainname("example", 7)'])
  })
})

describe('pieces of stage 2', () => {
  it('joinSessionKeyring() makes it searchable for processes that join', () => {
    const keyring = (userNamespace: boolean): string[] =>
      explained((program) => {
        joinSessionKeyring(program, { id: 'c1', userNamespace })
      })
    expect(keyring(false)).toEqual([
      '# join the session keyring',
      'keyctl(KEYCTL_JOIN_SESSION_KEYRING, "_ses.c1") -> $0  # may fail with ENOSYS',
      'keyctl(KEYCTL_SETPERM, $0, 0x3f1b0000)  # may fail with ENOSYS',
    ])
    expect(keyring(true)[2]).toContain('0x3f130008')
  })

  it('setLabels() says what the next execve is to do', () => {
    expect(
      explained((program) => {
        setKeyLabel(program, 'u:r:t:s0', 9)
        setLabels(program, { apparmorProfile: 'ctr', selinuxLabel: 'u:r:t:s0' }, 9)
        setLabels(program, { apparmorProfile: '', selinuxLabel: '' }, 9)
      }),
    ).toEqual([
      '# set the SELinux label of keys',
      `openat2(9, "self/attr/keycreate", ${how}|RESOLVE_BENEATH}, 24) -> $0`,
      'write($0, "u:r:t:s0", 8)  # at least 8',
      'close($0)',
      '# set the AppArmor profile',
      expect.stringMatching(/^openat2\(9, "self\/attr\/(apparmor\/)?exec", .*RESOLVE_BENEATH}, 24\) -> \$3$/),
      'write($3, "exec ctr", 8)  # at least 8',
      'close($3)',
      '# set the SELinux label',
      `openat2(9, "self/attr/exec", ${how}|RESOLVE_BENEATH}, 24) -> $6`,
      'write($6, "u:r:t:s0", 8)  # at least 8',
      'close($6)',
    ])
  })

  it('setScheduler()', () => {
    const scheduler = (
      ...args: Parameters<typeof setScheduler> extends [Program, ...infer Rest] ? Rest : never
    ) =>
      explained((program) => {
        setScheduler(program, ...args)
      })
    expect(scheduler({ policy: 'SCHED_BATCH', nice: 19, priority: 0 }, { cpus: '0' })).toEqual([
      '# set the scheduler SCHED_BATCH',
      'sched_setattr(0, {policy: SCHED_BATCH, nice: 19}, 0)',
    ])
    expect(
      scheduler(
        {
          policy: 'SCHED_DEADLINE',
          flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM'],
          runtime: 42000,
          deadline: 100000n,
          period: 1000000,
        },
        { cpus: '0', pid: 7 },
      ),
    ).toEqual([
      "# set the scheduler SCHED_DEADLINE; this process scheduler can't be used together with AllowedCPUs that are not all (0)",
      'sched_setattr(7, {policy: SCHED_DEADLINE, flags: SCHED_FLAG_RESET_ON_FORK|SCHED_FLAG_RECLAIM, runtime: 42000, deadline: 100000, period: 1000000}, 0)',
    ])
  })

  it('setMemoryPolicy()', () => {
    const policy = (
      ...args: Parameters<typeof setMemoryPolicy> extends [Program, ...infer Rest] ? Rest : never
    ) =>
      explained((program) => {
        setMemoryPolicy(program, ...args)
      })[1]
    expect(policy({ mode: 'MPOL_DEFAULT' })).toBe('set_mempolicy(MPOL_DEFAULT, NULL, 0)')
    expect(
      policy({ mode: 'MPOL_BIND', nodes: '0-1,65', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_NUMA_BALANCING'] }),
    ).toBe('set_mempolicy(MPOL_BIND|MPOL_F_NUMA_BALANCING|MPOL_F_STATIC_NODES, [0-1,65], 129)')
  })

  it('setPersonality() reports flags', () => {
    const warnings: string[] = []
    const log = { ...noLog, warn: (message: string) => warnings.push(message) }
    expect(
      explained((program) => {
        setPersonality(program, { domain: 'LINUX32', flags: ['ADDR_NO_RANDOMIZE'] }, log)
      }),
    ).toEqual(['# set the execution domain', 'personality(PER_LINUX32)'])
    expect(warnings).toEqual(['ignoring unsupported personality flags: ADDR_NO_RANDOMIZE'])
  })

  it('setRlimits(), setUmask() and resetSecurebits()', () => {
    expect(
      explained((program) => {
        setRlimits(program, [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 1024n }])
        setUmask(program, 0o77)
        setUmask(program)
        resetSecurebits(program)
      }),
    ).toEqual([
      '# set RLIMIT_NOFILE',
      'prlimit64(0, RLIMIT_NOFILE, {soft: 512, hard: 1024}, NULL)',
      '# set the umask',
      'umask(077)',
      'umask(022)',
      '# reset the securebits',
      'prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)  # may fail with EPERM',
    ])
  })
})
