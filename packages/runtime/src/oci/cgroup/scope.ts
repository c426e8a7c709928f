import type { Cgroup, Hierarchy, Resources } from '@ctr/cgroups'
import { findManager, isOrdinaryUser, parseUnitProperty, scopeOf } from '@ctr/cgroups/systemd'
import { RuntimeError } from '../../errors.js'
import { makeScope, type MadeCgroup } from '../../setup/made-cgroup.js'
import type { SystemdScope } from './cgroup-path.js'
import { explained } from './container-cgroup.js'

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
export async function makeContainerScope({
  slice,
  prefix,
  name,
  resources,
  hierarchy,
  annotations,
}: ScopeToCreate): Promise<MadeCgroup> {
  try {
    return await makeScope(`${prefix}-${name}.scope`, resources, {
      hierarchy,
      smallestMemory: 0,
      slice: slice === '' ? undefined : slice,
      description: `container ${name}`,
      properties: Object.entries(annotations)
        .filter(([key]) => key.startsWith(PROPERTY))
        .map(([key, text]) => parseUnitProperty(key.slice(PROPERTY.length), text)),
    })
  } catch (error) {
    throw explained('let systemd make the cgroup', error)
  }
}

/** Changes limits of a container's scope; errors as of {@link makeContainerScope}. */
export async function updateScope(cgroup: Cgroup, resources: Resources): Promise<void> {
  try {
    await scopeOf(cgroup).update(resources)
  } catch (error) {
    throw explained('change the limits', error)
  }
}
