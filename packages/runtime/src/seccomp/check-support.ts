import { RuntimeError } from '../errors.js'
import { seccompSupport } from '../oci/config/seccomp-support.js'
import type { LinuxSeccomp } from './profile.js'

// Made under the filter to hand its listener to whoever answers for it. Nobody could answer for it before.
const neverNotify: readonly string[] = ['sendmsg', 'write']

/**
 * Refuses a profile that cannot be put into effect here, before anything is made.
 *
 * Notifications: `SCMP_ACT_NOTIFY` needs a `listenerPath`, and cannot be the default action nor be used for `sendmsg`
 * and `write`: between the moment in which the filter is loaded and the one in which the agent has the listener the
 * process makes such calls, and would wait for an answer for ever. All calls after that (`read`, `close_range`,
 * `execve` and so on) may be notified: the agent must then let them pass for the container to start.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: the kernel has no seccomp filters, lacks an action or a flag of
 *   the profile, or a notification that could never be answered.
 */
export function checkSeccompSupport(profile: LinuxSeccomp): void {
  checkNotify(profile)
  const { actions, flags } = seccompSupport()
  if (actions.length === 0) throw refused('this kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)')
  for (const action of [profile.defaultAction, ...(profile.syscalls ?? []).map((rule) => rule.action)]) {
    if (!actions.includes(action)) throw refused(`this kernel lacks the action ${action}`)
  }
  for (const flag of profile.flags ?? []) {
    if (!flags.includes(flag)) throw refused(`this kernel lacks the flag ${flag}`)
  }
}

function checkNotify({ defaultAction, listenerPath, syscalls = [] }: LinuxSeccomp): void {
  if (defaultAction === 'SCMP_ACT_NOTIFY') throw refused('SCMP_ACT_NOTIFY cannot be used as default action')
  const notified = syscalls.filter(({ action }) => action === 'SCMP_ACT_NOTIFY')
  for (const name of neverNotify) {
    if (!notified.some(({ names }) => names.includes(name))) continue
    throw refused(`SCMP_ACT_NOTIFY cannot be used for the ${name} syscall`)
  }
  if (notified.length > 0 && listenerPath === undefined) {
    throw refused('SCMP_ACT_NOTIFY needs a listenerPath, the socket of the agent that answers')
  }
}

function refused(why: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_SECCOMP', `cannot use seccomp profile: ${why}`)
}
