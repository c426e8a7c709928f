import { describe, expect, it } from '@jest/globals'
import { explain, Program } from '@ctr/linux'
import {
  attributesInGroups,
  beginAttributes,
  checkAttributes,
  finishAttributes,
  type ProcessAttributes,
} from './attributes.js'
import { ownCapabilities } from './own-capabilities.js'
import { ownRlimit } from './rlimits.js'
import type { Scheduler } from './scheduler.js'

function explained(attributes: ProcessAttributes): string[] {
  const program = new Program()
  beginAttributes(program, attributes)
  attributesInGroups(program.step('in its groups'), attributes)
  finishAttributes(program, attributes, { stdio: ['pipe', 'ignore', 'pipe'], user: { uid: 7, gid: 8 } })
  return explain(program).trimEnd().split('\n')
}

const refusal = (attributes: ProcessAttributes) => (): void => {
  checkAttributes(attributes)
}

describe('attributes of a process', () => {
  it('are set early where they need privileges or our /proc', () => {
    const ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 4 } as const
    expect(explained({ oomScoreAdj: -999, ioPriority })).toEqual([
      '# set the OOM score adjustment to -999, for which low values need CAP_SYS_RESOURCE',
      'openat(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY|O_CLOEXEC) -> $0',
      'write($0, "-999", 4)',
      'close($0)',
      '# set the I/O priority',
      'ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4))',
    ])
  })

  it('raise only hard limits that are too low, and set all of them late', () => {
    const own = ownRlimit('RLIMIT_NOFILE')
    const hard = own.hard + 1n
    const rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 5, hard },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ] as const
    expect(explained({ rlimits })).toEqual([
      `# raise the hard limit RLIMIT_NOFILE from ${own.hard} to ${hard}`,
      `prlimit64(0, RLIMIT_NOFILE, {soft: ${own.soft}, hard: ${hard}}, NULL)`,
      '# set RLIMIT_NOFILE',
      `prlimit64(0, RLIMIT_NOFILE, {soft: 5, hard: ${hard}}, NULL)`,
      '# set RLIMIT_CORE',
      'prlimit64(0, RLIMIT_CORE, {soft: 0, hard: 0}, NULL)',
    ])
    if (ownCapabilities().effective.has(24)) expect(refusal({ rlimits })).not.toThrow()
    else {
      expect(refusal({ rlimits })).toThrow(
        expect.objectContaining({
          code: 'ERR_NAMESPACES_LIMIT',
          message: `cannot set RLIMIT_NOFILE to ${hard}: operation not permitted, the hard limit here is ${own.hard} and raising it needs CAP_SYS_RESOURCE`,
        }),
      )
    }
  })

  it('change the CPUs on the way and in the groups', () => {
    expect(explained({ cpuAffinity: { initial: [0, 1, 64], final: 'all' } })).toEqual([
      '# set the initial CPU affinity',
      'sched_setaffinity(0, 16, [0, 1, 64])',
      '# allow all CPUs of the cgroup',
      'sched_setaffinity(0, 1024, [all])  # may fail',
    ])
    expect(explained({ cpuAffinity: { final: [1] } })).toEqual([
      '# set the final CPU affinity',
      'sched_setaffinity(0, 8, [1])',
    ])
  })

  it('end with what would be in the way of the others', () => {
    expect(
      explained({
        ownStreams: true,
        sessionKeyring: { name: 'mine' },
        securebits: 0,
        personality: 'LINUX32',
        memoryPolicy: {
          mode: 'MPOL_BIND',
          nodes: [0, 1, 65],
          flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_NUMA_BALANCING'],
        },
        umask: 0o77,
        scheduler: { policy: 'SCHED_BATCH', nice: 19, priority: 0 },
      }),
    ).toEqual([
      '# own the standard streams',
      'fchown(0, 7, 8)  # may fail with EINVAL, EPERM, EROFS',
      'fchown(2, 7, 8)  # may fail with EINVAL, EPERM, EROFS',
      '# join the session keyring',
      'keyctl(KEYCTL_JOIN_SESSION_KEYRING, "mine") -> $2  # may fail with ENOSYS',
      'keyctl(KEYCTL_SETPERM, $2, 0x3f1b0000)  # may fail with ENOSYS',
      '# set the securebits',
      'prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)  # may fail with EPERM',
      '# set the execution domain',
      'personality(PER_LINUX32)',
      '# set the memory policy',
      'set_mempolicy(MPOL_BIND|MPOL_F_NUMA_BALANCING|MPOL_F_STATIC_NODES, [0, 1, 65], 129)',
      '# set the umask',
      'umask(077)',
      '# set the scheduler SCHED_BATCH',
      'sched_setattr(0, {policy: SCHED_BATCH, nice: 19}, 0)',
    ])
    expect(explained({ sessionKeyring: { name: 'x', searchable: true } })[2]).toContain('0x3f130008')
    expect(explained({ memoryPolicy: { mode: 'MPOL_DEFAULT' } })[1]).toBe(
      'set_mempolicy(MPOL_DEFAULT, NULL, 0)',
    )
  })

  it('say what SCHED_DEADLINE cannot be used with', () => {
    const scheduler: Scheduler = {
      policy: 'SCHED_DEADLINE',
      flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM'],
      runtime: 42000,
      deadline: 100000n,
      period: 1000000,
    }
    expect(explained({ scheduler })).toEqual([
      "# set the scheduler SCHED_DEADLINE; this process scheduler can't be used together with AllowedCPUs of a cgroup that are not all",
      'sched_setattr(0, {policy: SCHED_DEADLINE, flags: SCHED_FLAG_RESET_ON_FORK|SCHED_FLAG_RECLAIM, runtime: 42000, deadline: 100000, period: 1000000}, 0)',
    ])
  })
})

describe('checkAttributes()', () => {
  it.each<[string, Partial<Scheduler>]>([
    ['`SCHED_DEADLINE` requires `runtime`', { deadline: 20000000, period: 20000000 }],
    ['`SCHED_DEADLINE` requires `deadline`', { runtime: 10000000, period: 20000000 }],
    ['`SCHED_DEADLINE` runtime must be greater than 0', { runtime: 0, deadline: 20000000, period: 20000000 }],
    [
      '`SCHED_DEADLINE` runtime (30000000) must be <= deadline (20000000)',
      { runtime: 30000000, deadline: 20000000 },
    ],
    [
      '`SCHED_DEADLINE` deadline (3000) must be <= period (2000)',
      { runtime: 1500, deadline: 3000n, period: 2000 },
    ],
    ['`SCHED_DEADLINE` runtime (1023) must be between 1024 and', { runtime: 1023, deadline: 10000000 }],
    ['`SCHED_DEADLINE` runtime (9223372036854775808) must be', { runtime: 2n ** 63n, deadline: 2n ** 63n }],
  ])('says %s', (message, times) => {
    expect(refusal({ scheduler: { policy: 'SCHED_DEADLINE', ...times } })).toThrow(
      `sched_setattr: ${message}`,
    )
  })

  it('lets other schedulers pass', () => {
    const times = { runtime: 10000000, deadline: 20000000 }
    expect(refusal({ scheduler: { policy: 'SCHED_DEADLINE', ...times } })).not.toThrow()
    expect(refusal({ scheduler: { policy: 'SCHED_OTHER', nice: 5 } })).not.toThrow()
  })

  it('knows which memory policies take nodes', () => {
    expect(refusal({ memoryPolicy: { mode: 'MPOL_DEFAULT', nodes: [0, 1] } })).toThrow(
      'invalid memory policy, the mode requires 0 nodes but got 2 (MPOL_DEFAULT)',
    )
    expect(refusal({ memoryPolicy: { mode: 'MPOL_INTERLEAVE' } })).toThrow(
      'invalid memory policy, the mode requires at least one node but got 0',
    )
    for (const mode of ['MPOL_DEFAULT', 'MPOL_LOCAL', 'MPOL_PREFERRED'] as const) {
      expect(refusal({ memoryPolicy: { mode } })).not.toThrow()
    }
  })

  it.each([{ umask: 0o1000 }, { umask: -1 }, { oomScoreAdj: 1001 }, { oomScoreAdj: 0.5 }])(
    'refuses %j',
    (attributes) => {
      expect(refusal(attributes)).toThrow(
        expect.objectContaining({
          code: 'ERR_NAMESPACES_INVALID_ARG',
          message: expect.stringMatching(/it must be an integer from/),
        }),
      )
    },
  )
})
