import { type Abi, X32_BIT } from './abi.js'
import { ERRNO_ENOSYS, isPermissive, KILL_PROCESS } from './action.js'
import { always, type Decision, type Decisions } from './decision.js'

/** Neighbouring system call numbers with one decision: from `first` up to the next segment. */
export interface Segment {
  readonly first: number
  readonly decision: Decision
}

/** The decisions of one ABI, with what holds for the calls that they do not name. */
export interface AbiDecisions extends Decisions {
  readonly abi: Abi
  readonly otherwise: number
}

const LAST_NUMBER = 0xffff_ffff

/**
 * Divides the 2^32 system call numbers of one `seccomp_data.arch` into segments, so that the check for the x32 bit
 * is one more boundary among the others.
 *
 * @param abis - Those that share the arch value: one, or x86-64 and x32 in this order.
 */
export function segments(abis: readonly AbiDecisions[]): readonly Segment[] {
  const found: Segment[] = []
  const append = (first: number, decision: Decision) => {
    const last = found.at(-1)
    if (last?.first === first) found.pop()
    if (found.at(-1)?.decision.key !== decision.key) found.push({ first, decision })
  }

  for (const { abi, calls, newest, otherwise } of abis) {
    const byDefault = always(otherwise)
    const newer = always(isPermissive(otherwise) ? otherwise : ERRNO_ENOSYS)
    const gap = (number: number) => (newest !== undefined && number > newest ? newer : byDefault)
    const numbers = [...calls.keys()].sort((a, b) => a - b)
    append(abi.numberBase, byDefault)
    for (const number of numbers) {
      append(number, calls.get(number) ?? byDefault)
      append(number + 1, gap(number + 1))
    }
  }

  const [first] = abis
  if (first?.abi.name === 'SCMP_ARCH_X86_64' && abis.length === 1) {
    const unknown = found.at(-1)?.decision ?? always(first.otherwise)
    append(X32_BIT, always(KILL_PROCESS))
    // a tracer skips a call by making its number -1, which must not look like an x32 call
    append(LAST_NUMBER, unknown)
  }
  return found
}
