import {
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_GET_ACTION_AVAIL,
  SECCOMP_SET_MODE_FILTER,
  syscallOr,
} from '@ctr/linux'
import { actionValue } from '../../seccomp/action.js'
import type { SeccompAction, SeccompFlag } from '../../seccomp/profile.js'
import { seccompActions, seccompFlags } from './seccomp-names.js'

/** What seccomp(2) of this kernel can do. */
export interface SeccompSupport {
  /** Empty when the kernel has no seccomp filters. */
  readonly actions: readonly SeccompAction[]
  readonly flags: readonly SeccompFlag[]
}

const flagBits: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  // the kernel refuses it without a listener
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV:
    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_NEW_LISTENER,
}

let known: SeccompSupport | undefined

/**
 * Asks the kernel which actions and flags it knows, once: it does not learn any. No filter is installed.
 *
 * @throws {@link SyscallError}: the kernel answers otherwise than seccomp(2) says.
 */
export function seccompSupport(): SeccompSupport {
  known ??= { actions: seccompActions.filter(hasAction), flags: seccompFlags.filter(hasFlag) }
  return known
}

// the kernel wants the action without the data that filters return with it
function hasAction(action: SeccompAction): boolean {
  const value = (actionValue(action, undefined, 'action') & 0xffff_0000) >>> 0
  const bytes = new Uint8Array(Uint32Array.of(value).buffer)
  return syscallOr(['EOPNOTSUPP', 'EINVAL', 'ENOSYS'], 'seccomp', SECCOMP_GET_ACTION_AVAIL, 0, bytes) === 0
}

// flags are looked at before the program, and no program is at address 0
function hasFlag(flag: SeccompFlag): boolean {
  const answer = syscallOr(
    ['EFAULT', 'EINVAL', 'ENOSYS'],
    'seccomp',
    SECCOMP_SET_MODE_FILTER,
    flagBits[flag],
    0,
  )
  return answer === 'EFAULT'
}
