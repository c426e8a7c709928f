import { invalid } from './action.js'
import type { LinuxSeccompArg, SeccompOperator } from './profile.js'

/** A checked condition on one argument, cut to the width of its ABI. */
export interface Condition {
  readonly index: number
  readonly op: SeccompOperator
  /** What the argument, after `mask`, is compared with. */
  readonly value: bigint
  /** All ones unless `op` is `SCMP_CMP_MASKED_EQ`. */
  readonly mask: bigint
}

const ALL_ONES = 0xffff_ffff_ffff_ffffn
const operators: ReadonlySet<string> = new Set<SeccompOperator>([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
])

/**
 * Checks a condition of a profile.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: an unknown operator, or a number out of range.
 */
export function condition(arg: LinuxSeccompArg, where: string): Condition {
  const { index, op } = arg
  if (!Number.isInteger(index) || index < 0 || index > 5) {
    throw invalid(where, `argument index must be 0 to 5, got ${String(index)}`)
  }
  if (!operators.has(op)) throw invalid(where, `operator ${JSON.stringify(op)} is not known`)
  const value = word(arg.value, where)
  if (op !== 'SCMP_CMP_MASKED_EQ') return { index, op, value, mask: ALL_ONES }
  return { index, op, value: word(arg.valueTwo ?? 0, where) & value, mask: value }
}

/** The condition that an argument has one value. */
export function equal(index: number, value: number): Condition {
  return { index, op: 'SCMP_CMP_EQ', value: BigInt(value), mask: ALL_ONES }
}

/** The condition as a 32-bit ABI sees it: the upper half of value and mask is cut off, as libseccomp does. */
export function narrowed({ index, op, value, mask }: Condition): Condition {
  return { index, op, value: value & 0xffff_ffffn, mask: mask & 0xffff_ffffn }
}

/** True when the condition holds for every argument. */
export function isTautology({ mask }: Condition): boolean {
  return mask === 0n
}

function word(value: number | bigint, where: string): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw invalid(where, `value must be an integer of at most 2^53-1, or a bigint, got ${value}`)
  }
  const big = BigInt(value)
  if (big < 0n || big > ALL_ONES)
    throw invalid(where, `value must be from 0 to 2^64-1, got ${big.toString()}`)
  return big
}
