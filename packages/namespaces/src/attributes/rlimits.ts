import {
  CAP_SYS_RESOURCE,
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_LOCKS,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RSS,
  RLIMIT_RTPRIO,
  RLIMIT_RTTIME,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
  out,
  Struct,
  syscall,
  type Program,
} from '@ctr/linux'
import { NamespacesError } from '../errors.js'
import { ownCapabilities } from './own-capabilities.js'

const resources = {
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_LOCKS,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RSS,
  RLIMIT_RTPRIO,
  RLIMIT_RTTIME,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
}

/** Names of the limits of getrlimit(2). */
export type RlimitType = keyof typeof resources

/** The name of a limit as ulimit(1) and Docker write it, such as `nofile`; undefined where there is none. */
export function rlimitType(name: string): RlimitType | undefined {
  const type = `RLIMIT_${name.toUpperCase()}`
  return name === name.toLowerCase() && Object.hasOwn(resources, type) ? (type as RlimitType) : undefined
}

/** All of them. */
export const rlimitTypes = Object.keys(resources) as readonly RlimitType[]

/** Values of a limit, unsigned; 2^64-1 is no limit. */
export interface RlimitValues {
  readonly soft: number | bigint
  readonly hard: number | bigint
}

/** A limit of a process; see getrlimit(2) for what is counted in which unit. */
export interface Rlimit extends RlimitValues {
  readonly type: RlimitType
}

/** A limit of this process, which its children begin with. */
export function ownRlimit(type: RlimitType): { readonly soft: bigint; readonly hard: bigint } {
  const bytes = Buffer.alloc(16)
  syscall('prlimit64', 0, resources[type], null, out(bytes))
  return { soft: bytes.readBigUInt64LE(0), hard: bytes.readBigUInt64LE(8) }
}

/**
 * Refuses limits that the kernel would refuse: only `CAP_SYS_RESOURCE` raises a hard limit. Where we are in a user
 * namespace ourselves not even that is enough, which shows when {@link raiseRlimits} is executed.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_LIMIT`
 */
export function checkRlimits(rlimits: readonly Rlimit[]): void {
  const raised = rlimits.filter(({ type, hard }) => BigInt(hard) > ownRlimit(type).hard)
  if (raised.length === 0 || ownCapabilities().effective.has(CAP_SYS_RESOURCE)) return
  const { type, hard } = raised[0]!
  throw new NamespacesError(
    'ERR_NAMESPACES_LIMIT',
    `cannot set ${type} to ${valueText(BigInt(hard))}: operation not permitted, the hard limit here is ${valueText(ownRlimit(type).hard)} and raising it needs CAP_SYS_RESOURCE`,
  )
}

/**
 * Raises hard limits that are to be higher than our own, while the process still has our privileges. Everything else
 * of the limits waits for {@link setRlimits}, so that they do not hold for the set-up.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/prlimit.2.html}
 */
export function raiseRlimits(program: Program, rlimits: readonly Rlimit[]): void {
  for (const { type, hard } of rlimits) {
    const own = ownRlimit(type)
    const wanted = BigInt(hard)
    if (wanted <= own.hard) continue
    program.step(`raise the hard limit ${type} from ${valueText(own.hard)} to ${valueText(wanted)}`)
    setRlimit(program, type, { soft: own.soft, hard: wanted })
  }
}

/**
 * Sets the limits, after everything that opens files or starts something. None is higher than what
 * {@link raiseRlimits} left, so that no privilege is needed.
 */
export function setRlimits(program: Program, rlimits: readonly Rlimit[]): void {
  for (const { type, soft, hard } of rlimits) {
    program.step(`set ${type}`)
    setRlimit(program, type, { soft, hard })
  }
}

function setRlimit(program: Program, type: RlimitType, { soft, hard }: RlimitValues): void {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(BigInt(soft), 0)
  bytes.writeBigUInt64LE(BigInt(hard), 8)
  const text = `{soft: ${valueText(BigInt(soft))}, hard: ${valueText(BigInt(hard))}}`
  program.call('prlimit64', [0, resources[type], new Struct(bytes, text), null])
}

function valueText(value: bigint): string {
  return value === 2n ** 64n - 1n ? 'unlimited' : String(value)
}
