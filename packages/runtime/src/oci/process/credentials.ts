import { readFileSync } from 'node:fs'
import { ownCapabilities, type CapabilitySets, type Credentials } from '@ctr/namespaces'
import { capabilityNumber, type Capability } from '../../security/capability.js'
import type { ConfigCapabilities, ConfigProcess } from '../config/config.js'
import type { Log } from '../log.js'

/** Capabilities that a process can be given, as numbers. */
export interface GrantableCapabilities {
  readonly bounding: ReadonlySet<number>
  readonly permitted: ReadonlySet<number>
}

/** What {@link credentialsOf} needs to know of where the process will be. */
export interface CredentialsContext {
  readonly grantable: GrantableCapabilities
  /**
   * False leaves the supplementary groups alone: in a user namespace where `setgroups` is denied nobody can change
   * them, user_namespaces(7).
   */
  readonly setgroups?: boolean | undefined
  readonly log: Log
}

/** What a process can be given: in a user namespace of its own everything that the kernel has, else what we have. */
export function grantableCapabilities({
  userNamespace,
}: {
  readonly userNamespace: boolean
}): GrantableCapabilities {
  if (!userNamespace) return ownCapabilities()
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'))
  const all = new Set(Array.from({ length: last + 1 }, (_, number) => number))
  return { bounding: all, permitted: all }
}

/**
 * User, groups, capabilities and no_new_privs of a process, as `spawn` takes them. Supplementary
 * groups are those of the config and no others. A process whose config names no capabilities has none.
 *
 * Capabilities that cannot be granted are left out with a warning, as the specification has it: those that the
 * kernel or we do not have, effective ones that are not permitted, inheritable ones beyond the bounding set, ambient
 * ones that are not permitted and inheritable.
 */
export function credentialsOf(process: ConfigProcess, context: CredentialsContext): Credentials {
  const { uid, gid, additionalGids = [] } = process.user
  const groups = context.setgroups === false ? undefined : additionalGids
  return {
    user: { uid, gid, groups },
    capabilities: capabilitySets(process.capabilities ?? {}, context),
    noNewPrivileges: process.noNewPrivileges === true,
  }
}

function capabilitySets(
  { bounding, effective, permitted, inheritable, ambient }: ConfigCapabilities,
  { grantable, log }: CredentialsContext,
): CapabilitySets {
  const refused = new Set<Capability>()
  const within = (wanted: readonly Capability[] = [], allowed: ReadonlySet<number>): ReadonlySet<number> => {
    for (const name of wanted) if (!allowed.has(capabilityNumber(name))) refused.add(name)
    return new Set(wanted.map(capabilityNumber).filter((number) => allowed.has(number)))
  }
  const bounded = within(bounding, grantable.bounding)
  const allowed = within(permitted, grantable.permitted)
  const inherited = within(inheritable, bounded)
  const raised = (ambient ?? []).filter((name) => {
    const number = capabilityNumber(name)
    if (allowed.has(number) && inherited.has(number)) return true
    log.warn(
      `can't raise ambient capability ${name}: operation not permitted, it is not permitted and inheritable`,
    )
    return false
  })
  const sets = {
    bounding: [...bounded],
    effective: [...within(effective, allowed)],
    permitted: [...allowed],
    inheritable: [...inherited],
    ambient: raised.map(capabilityNumber),
  }
  if (refused.size > 0) log.warn(`ignoring capabilities that cannot be granted: ${[...refused].join(', ')}`)
  return sets
}
