import { isCgroupError, type Resources } from '@ctr/cgroups'
import { isRuntimeError } from '../../errors.js'
import type { Bundle } from '../bundle.js'
import type { OciContext } from '../context.js'
import { hasOwn } from '../namespaces.js'
import { ownCgroup, type MadeCgroup } from '../../setup/made-cgroup.js'
import { cgroupPathOf, systemdScopeOf } from './cgroup-path.js'
import { createContainerCgroup } from './container-cgroup.js'
import { resourcesOf } from './resources.js'

/** Makes a container's cgroup, unless nobody is to, or an ordinary user who asks for no limits has none delegated. */
export async function makeCgroup(
  context: OciContext,
  id: string,
  { config: { linux, annotations = {} } }: Bundle,
): Promise<MadeCgroup | undefined> {
  const { cgroupManager, hierarchy } = context
  if (cgroupManager === 'disabled') return undefined
  const resources = resourcesOf(linux?.resources, hierarchy, { devices: !hasOwn(linux, 'user') })
  if (cgroupManager === 'systemd') {
    const { makeContainerScope } = await import('./scope.js') // with what speaks to systemd
    return makeContainerScope({
      ...systemdScopeOf(linux?.cgroupsPath, id),
      resources,
      hierarchy,
      annotations,
    })
  }
  const path = cgroupPathOf(linux?.cgroupsPath, id, hierarchy)
  try {
    return ownCgroup(createContainerCgroup({ path, resources, hierarchy, unified: true }))
  } catch (error) {
    const isAsked = (linux?.cgroupsPath ?? '') !== '' || hasLimits(resources)
    if (!context.rootless || isAsked || !isForbidden(error)) throw error
    context.log.warn('making no cgroup: none is delegated to this user')
    return undefined
  }
}

function hasLimits(resources: Resources): boolean {
  return Object.values(resources).some(
    (value: unknown) => value !== undefined && Object.keys(value as object).length > 0,
  )
}

function isForbidden(error: unknown): boolean {
  const cause = isRuntimeError(error) ? error.cause : error
  return isCgroupError(cause) && cause.code === 'ERR_CGROUP_PERMISSION'
}
