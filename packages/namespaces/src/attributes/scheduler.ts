import {
  SCHED_OTHER,
  SCHED_FIFO,
  SCHED_RR,
  SCHED_BATCH,
  SCHED_ISO,
  SCHED_IDLE,
  SCHED_DEADLINE,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_FLAG_RECLAIM,
  SCHED_FLAG_DL_OVERRUN,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_UTIL_CLAMP_MIN,
  SCHED_FLAG_UTIL_CLAMP_MAX,
  Struct,
  type Program,
} from '@ctr/linux'
import { NamespacesError } from '../errors.js'

const policies = {
  SCHED_OTHER,
  SCHED_FIFO,
  SCHED_RR,
  SCHED_BATCH,
  SCHED_ISO,
  SCHED_IDLE,
  SCHED_DEADLINE,
}

const policyFlags = {
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_FLAG_RECLAIM,
  SCHED_FLAG_DL_OVERRUN,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_UTIL_CLAMP_MIN,
  SCHED_FLAG_UTIL_CLAMP_MAX,
}

export type SchedulerPolicy = keyof typeof policies
export type SchedulerFlag = keyof typeof policyFlags

/** What sched_setattr(2) takes. */
export interface Scheduler {
  readonly policy: SchedulerPolicy
  /** -20 to 19, for SCHED_OTHER and SCHED_BATCH. Default 0. */
  readonly nice?: number | undefined
  /** 1 to 99 for SCHED_FIFO and SCHED_RR, 0 for the others. */
  readonly priority?: number | undefined
  readonly flags?: readonly SchedulerFlag[] | undefined
  /** In nanoseconds, for SCHED_DEADLINE, as the next two. */
  readonly runtime?: number | bigint | undefined
  readonly deadline?: number | bigint | undefined
  readonly period?: number | bigint | undefined
}

/** Smallest and largest of the times of SCHED_DEADLINE, in nanoseconds; see sched(7). */
const SHORTEST = 1024n
const LONGEST = 2n ** 63n - 1n

/**
 * Refuses what sched_setattr(2) would answer with a bare `EINVAL`.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`
 */
export function checkScheduler(scheduler: Scheduler): void {
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
  return new NamespacesError('ERR_NAMESPACES_INVALID_ARG', `sched_setattr: \`SCHED_DEADLINE\` ${what}`)
}

/**
 * Sets policy, nice value, priority and times, last of all before the credentials: with SCHED_DEADLINE a process gets
 * little time, may not clone any more, and would lose the policy on the way to a pid namespace. SCHED_FIFO, SCHED_RR,
 * SCHED_DEADLINE and negative nice values need `CAP_SYS_NICE`, which in a user namespace nobody has.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/sched_setattr.2.html}
 */
export function setScheduler(program: Program, scheduler: Scheduler): void {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler
  const bytes = Buffer.alloc(SCHED_ATTR_SIZE)
  bytes.writeUInt32LE(SCHED_ATTR_SIZE, 0)
  bytes.writeUInt32LE(policies[policy], 4)
  const bits = flags.reduce((sum, flag) => sum | policyFlags[flag], 0)
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
    policy === 'SCHED_DEADLINE'
      ? "; this process scheduler can't be used together with AllowedCPUs of a cgroup that are not all"
      : ''
  program.step(`set the scheduler ${policy}${beside}`).call('sched_setattr', [0, new Struct(bytes, text), 0])
}

/** `struct sched_attr` with the clamps of utilisation, which their flags demand. */
const SCHED_ATTR_SIZE = 56
