import type { SpawnOptions } from '@ctr/namespaces'
import type { Context } from '../context.js'
import { allCapabilities } from '../security/capability.js'
import type { ContainerRecord } from './record.js'

/**
 * The seccomp filter of the container's programs.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: no filter can be made of its profile.
 */
export function seccompOf(
  { host }: Context,
  { capabilities, seccomp }: Pick<ContainerRecord, 'capabilities' | 'seccomp'>,
): Pick<SpawnOptions, 'seccomp' | 'seccompFlags'> {
  if (seccomp === 'unconfined') return {}
  const names = capabilities.bounding.map((number) => allCapabilities[number]!)
  if (seccomp === 'default') return { seccomp: host.seccompFilter(names) }
  const { program, flags } = host.filterOf(seccomp, names)
  return { seccomp: program, seccompFlags: flags }
}
