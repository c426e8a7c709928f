import * as linux from '@ctr/linux'
import { Struct, type Program } from '@ctr/linux'
import type { ConfigScheduler } from '../config/config.js'
import { invalidConfig } from '../config/invalid-config.js'

/** Smallest and largest of the times of SCHED_DEADLINE, in nanoseconds; see sched(7). */
const SHORTEST = 1024n
const LONGEST = 2n ** 63n - 1n

/**
 * Refuses what sched_setattr(2) would answer with a bare `EINVAL`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`
 */
export function checkScheduler(scheduler: ConfigScheduler): void {
  if (scheduler.policy !== 'SCHED_DEADLINE') return
  for (const field of ['runtime', 'deadline'] as const) {
    if (scheduler[field] === undefined) throw invalid(`requires \`${field}\``)
  }
  const [runtime, deadline, period] = [scheduler.runtime, scheduler.deadline, scheduler.period].map((time) =>
    BigInt(time ?? 0),
  ) as [bigint, bigint, bigint]
  // without a period the kernel takes the deadline
  const times = { runtime, deadline, ...(period === 0n ? {} : { period }) }
  for (const [field, time] of Object.entries(times)) {
    if (time === 0n) throw invalid(`${field} must be greater than 0`)
  }
  if (runtime > deadline) throw invalid(`runtime (${runtime}) must be <= deadline (${deadline})`)
  if (period !== 0n && deadline > period) {
    throw invalid(`deadline (${deadline}) must be <= period (${period})`)
  }
  for (const [field, time] of Object.entries(times)) {
    if (time < SHORTEST || time > LONGEST) {
      throw invalid(`${field} (${time}) must be between ${SHORTEST} and ${LONGEST} nanoseconds`)
    }
  }
}

function invalid(what: string): Error {
  return invalidConfig(`sched_setattr: \`SCHED_DEADLINE\` ${what}`)
}

/** Whose scheduler {@link setScheduler} sets, and what is beside it. */
export interface SchedulerTarget {
  /** Default: the process that executes the program. */
  readonly pid?: number | undefined
  /**
   * CPUs that the container's cgroup allows, when the config says so: the kernel refuses SCHED_DEADLINE unless that
   * is all of them (`EPERM`), and the error should say so.
   */
  readonly cpus?: string | undefined
}

/**
 * Sets policy, nice value, priority and times.
 *
 * - Stage 2, last of all before the credentials, without `pid`: with SCHED_DEADLINE a process gets little time, may
 *   not clone any more, and would lose the policy on the way to the container's pid namespace; or
 * - outside, for a process in a user namespace that waits at its gate, by `executeSync`: SCHED_FIFO, SCHED_RR,
 *   SCHED_DEADLINE and negative nice values need `CAP_SYS_NICE` on the host.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/sched_setattr.2.html}
 */
export function setScheduler(
  program: Program,
  scheduler: ConfigScheduler,
  { pid = 0, cpus }: SchedulerTarget = {},
): void {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler
  const bytes = Buffer.alloc(SCHED_ATTR_SIZE)
  bytes.writeUInt32LE(SCHED_ATTR_SIZE, 0)
  bytes.writeUInt32LE(linux[policy], 4)
  const bits = flags.reduce((sum, flag) => sum | linux[flag], 0)
  bytes.writeBigUInt64LE(BigInt(bits), 8)
  bytes.writeInt32LE(nice, 16)
  bytes.writeUInt32LE(priority, 20)
  bytes.writeBigUInt64LE(BigInt(runtime), 24)
  bytes.writeBigUInt64LE(BigInt(deadline), 32)
  bytes.writeBigUInt64LE(BigInt(period), 40)
  const fields = Object.entries({ nice, priority, runtime, deadline, period })
    .filter(([, value]) => Number(value) !== 0)
    .map(([name, value]) => `, ${name}: ${value}`)
  const text = `{policy: ${policy}${flags.length === 0 ? '' : `, flags: ${flags.join('|')}`}${fields.join('')}}`
  const beside =
    policy === 'SCHED_DEADLINE' && cpus !== undefined
      ? `; this process scheduler can't be used together with AllowedCPUs that are not all (${cpus})`
      : ''
  program
    .step(`set the scheduler ${policy}${beside}`)
    .call('sched_setattr', [pid, new Struct(bytes, text), 0])
}

/** `struct sched_attr` with the clamps of utilisation, which their flags demand. */
const SCHED_ATTR_SIZE = 56
