import { RuntimeError } from '../errors.js'
import type { SeccompAction } from './profile.js'

const EPERM = 1
const MAX_ERRNO = 4095

/** SECCOMP_RET_* of linux/seccomp.h. */
const returnValues: ReadonlyMap<string, number> = new Map<SeccompAction, number>([
  ['SCMP_ACT_KILL_PROCESS', 0x8000_0000],
  ['SCMP_ACT_KILL', 0],
  ['SCMP_ACT_KILL_THREAD', 0],
  ['SCMP_ACT_TRAP', 0x0003_0000],
  ['SCMP_ACT_ERRNO', 0x0005_0000],
  ['SCMP_ACT_NOTIFY', 0x7fc0_0000],
  ['SCMP_ACT_TRACE', 0x7ff0_0000],
  ['SCMP_ACT_LOG', 0x7ffc_0000],
  ['SCMP_ACT_ALLOW', 0x7fff_0000],
])

/** Returned for system calls of an ABI that the profile does not name. */
export const KILL_PROCESS = 0x8000_0000

/** The call fails with "Function not implemented" (errno 38). */
export const ERRNO_ENOSYS = 0x0005_0000 + 38

/**
 * The 32-bit value that a filter returns for an action.
 *
 * @param where - Names the rule in the error message.
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: an unknown action, an errno out of range, or an errno for an
 *   action that takes none.
 */
export function actionValue(action: SeccompAction, errnoRet: number | undefined, where: string): number {
  const value = returnValues.get(action)
  if (value === undefined) throw invalid(where, `action ${JSON.stringify(action)} is not known`)
  if (action !== 'SCMP_ACT_ERRNO' && action !== 'SCMP_ACT_TRACE') {
    if (errnoRet !== undefined) throw invalid(where, `${action} takes no errno, got ${String(errnoRet)}`)
    return value
  }
  const data = errnoRet ?? EPERM
  const limit = action === 'SCMP_ACT_ERRNO' ? MAX_ERRNO : 0xffff
  if (!Number.isInteger(data) || data < 0 || data > limit) {
    throw invalid(where, `errno must be an integer from 0 to ${limit}, got ${String(data)}`)
  }
  return value + data
}

const precedence = [
  0x8000_0000, 0, 0x0003_0000, 0x0005_0000, 0x7fc0_0000, 0x7ff0_0000, 0x7ffc_0000, 0x7fff_0000,
]

/** True when the kernel ranks action `a` before action `b`, that is when `a` lets a program do less. */
export function isStricter(a: number, b: number): boolean {
  const rank = (value: number) => precedence.indexOf((value & 0xffff_0000) >>> 0)
  return rank(a) < rank(b)
}

/** True for actions after which the kernel runs the call, or lets a tracer decide it. */
export function isPermissive(value: number): boolean {
  return (value & 0xffff_0000) >>> 0 >= 0x7ff0_0000 && value < 0x8000_0000
}

/** An `ERR_RUNTIME_SECCOMP` error about one part of a profile. */
export function invalid(where: string, what: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_SECCOMP', `cannot compile seccomp profile: ${where}: ${what}`)
}
