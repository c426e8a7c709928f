import * as linux from '@ctr/linux'
import { out, Struct, syscall, type Program } from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import type { ConfigRlimit, ConfigRlimitType } from '../config/config.js'
import { ownCapabilities } from './own-capabilities.js'

/** Soft and hard value of a limit; 2^64-1 is no limit. */
export interface Rlimit {
  readonly soft: bigint
  readonly hard: bigint
}

/** A limit of this process, which its children begin with. */
export function ownRlimit(type: ConfigRlimitType): Rlimit {
  const bytes = Buffer.alloc(16)
  syscall('prlimit64', 0, linux[type], null, out(bytes))
  return { soft: bytes.readBigUInt64LE(0), hard: bytes.readBigUInt64LE(8) }
}

/**
 * Refuses limits that the kernel would refuse: only `CAP_SYS_RESOURCE` raises a hard limit. Where we are in a user
 * namespace ourselves not even that is enough, which shows when {@link raiseRlimits} is executed.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_LIMIT`
 */
export function checkRlimits(rlimits: readonly ConfigRlimit[]): void {
  const raised = rlimits.filter(({ type, hard }) => BigInt(hard) > ownRlimit(type).hard)
  if (raised.length === 0 || ownCapabilities().effective.has(linux.CAP_SYS_RESOURCE)) return
  const { type, hard } = raised[0]!
  throw new RuntimeError(
    'ERR_RUNTIME_LIMIT',
    `cannot set ${type} to ${valueText(BigInt(hard))}: operation not permitted, the hard limit here is ${valueText(ownRlimit(type).hard)} and raising it needs CAP_SYS_RESOURCE`,
  )
}

/**
 * Raises hard limits that are to be higher than our own. Everything else of the limits waits for {@link setRlimits}, so
 * that they do not hold for the set-up.
 *
 * - Stage 1, at its beginning, without `pid`; or
 * - outside, for a process that begins in a new user namespace, where the kernel raises nothing: while it waits for
 *   us (`meanwhile`), by `executeSync`.
 *
 * @param target - Whose limits; `own` are those that it begins with.
 * @see {@link https://man7.org/linux/man-pages/man2/prlimit.2.html}
 */
export function raiseRlimits(
  program: Program,
  rlimits: readonly ConfigRlimit[],
  target: { readonly pid?: number; readonly own?: (type: ConfigRlimitType) => Rlimit } = {},
): void {
  const { pid = 0, own = ownRlimit } = target
  for (const { type, hard } of rlimits) {
    const before = own(type)
    const wanted = BigInt(hard)
    if (wanted <= before.hard) continue
    program.step(`raise the hard limit ${type} from ${valueText(before.hard)} to ${valueText(wanted)}`)
    setRlimit(program, pid, type, { soft: before.soft, hard: wanted })
  }
}

/**
 * Stage 2, after everything that opens files or starts something and before ids and capabilities go: sets the limits.
 * None is higher than what {@link raiseRlimits} left, so that no privilege is needed.
 */
export function setRlimits(program: Program, rlimits: readonly ConfigRlimit[]): void {
  for (const { type, soft, hard } of rlimits) {
    program.step(`set ${type}`)
    setRlimit(program, 0, type, { soft: BigInt(soft), hard: BigInt(hard) })
  }
}

function setRlimit(program: Program, pid: number, type: ConfigRlimitType, { soft, hard }: Rlimit): void {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(soft, 0)
  bytes.writeBigUInt64LE(hard, 8)
  const text = `{soft: ${valueText(soft)}, hard: ${valueText(hard)}}`
  program.call('prlimit64', [pid, linux[type], new Struct(bytes, text), null])
}

function valueText(value: bigint): string {
  return value === 2n ** 64n - 1n ? 'unlimited' : String(value)
}
