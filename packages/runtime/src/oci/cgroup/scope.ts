import type { Cgroup, Hierarchy, Resources } from '@ctr/cgroups'
import { createScope, findManager, isOrdinaryUser, parseUnitProperty, scopeOf } from '@ctr/cgroups/systemd'
import { RuntimeError } from '../../errors.js'
import type { SystemdScope } from './cgroup-path.js'
import { explained, type MadeCgroup } from './container-cgroup.js'

/** What a container's scope is made of. */
export interface ScopeToCreate extends SystemdScope {
  readonly resources: Resources
  readonly hierarchy: Hierarchy
  /** Those of the container: `org.systemd.property.NAME` are properties of its unit. */
  readonly annotations: Readonly<Record<string, string>>
}

const PROPERTY = 'org.systemd.property.'

/**
 * Throws unless there is a systemd to make cgroups.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function checkSystemd(): void {
  try {
    findManager(isOrdinaryUser())
  } catch (error) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `${(error as Error).message}; leave --systemd-cgroup out, or use --cgroup-manager cgroupfs`,
      { cause: error },
    )
  }
}

/**
 * Has systemd make a container's cgroup: `PREFIX-NAME.scope`.
 *
 * @throws {@link RuntimeError} As `createContainerCgroup`.
 */
export async function makeScope({
  slice,
  prefix,
  name,
  resources,
  hierarchy,
  annotations,
}: ScopeToCreate): Promise<MadeCgroup> {
  try {
    const scope = await createScope(`${prefix}-${name}.scope`, resources, {
      hierarchy,
      smallestMemory: 0,
      slice: slice === '' ? undefined : slice,
      description: `container ${name}`,
      properties: Object.entries(annotations)
        .filter(([key]) => key.startsWith(PROPERTY))
        .map(([key, text]) => parseUnitProperty(key.slice(PROPERTY.length), text)),
    })
    return {
      cgroup: scope.cgroup,
      // a new process counts against the limit of processes before it joins by clone3, but not when it moves
      join: { cloneInto: false },
      joined: () => scope.release(),
      remove: () => scope.remove(),
    }
  } catch (error) {
    throw explained('let systemd make the cgroup', error)
  }
}

/** Changes limits of a container's scope; errors as of {@link makeScope}. */
export async function updateScope(cgroup: Cgroup, resources: Resources): Promise<void> {
  try {
    await scopeOf(cgroup).update(resources)
  } catch (error) {
    throw explained('change the limits', error)
  }
}

/** Removes a container's scope, in which nobody is left. */
export async function removeScope(cgroup: Cgroup): Promise<void> {
  await scopeOf(cgroup).remove()
}
