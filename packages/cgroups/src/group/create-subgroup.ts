import type { Resources } from '../plan/resources.js'
import type { Cgroup } from './cgroup.js'
import { createCgroup, type CreateOptions } from './create-cgroup.js'

/**
 * Creates a group below another one, in every hierarchy that that one is in. As {@link createCgroup}, which see for
 * errors; on v2 the group above must hold no processes of its own to hand controllers down, unless the new group is
 * `threaded`.
 *
 * @param parent - The group above.
 * @param name - Name of the new group, or a path below: `worker`, `pool/worker`.
 * @param resources - Limits, which hold beside those of the group above.
 * @param options - As of {@link createCgroup}.
 *
 * @example
 * const worker = createSubgroup(group, 'worker', { pids: { limit: 8 } })
 */
export function createSubgroup(
  parent: Cgroup,
  name: string,
  resources: Resources = {},
  options: Omit<CreateOptions, 'hierarchy' | 'unified'> = {},
): Cgroup {
  const paths = Object.fromEntries(
    Object.entries(parent.paths).map(([hierarchy, path]) => [hierarchy, `${path}/${name}`]),
  )
  const unified = parent.paths['unified'] !== undefined
  return createCgroup(paths, resources, { ...options, hierarchy: parent.hierarchy, unified })
}
