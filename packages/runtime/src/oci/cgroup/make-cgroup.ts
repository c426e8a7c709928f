import type { Bundle } from '../bundle.js'
import type { OciContext } from '../context.js'
import { hasOwn } from '../namespaces.js'
import { ownCgroup, type MadeCgroup } from '../../setup/made-cgroup.js'
import { cgroupPathOf, systemdScopeOf } from './cgroup-path.js'
import { createContainerCgroup } from './container-cgroup.js'
import { resourcesOf } from './resources.js'

/** Makes a container's cgroup, unless nobody is to. */
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
  const cgroup = createContainerCgroup({
    path: cgroupPathOf(linux?.cgroupsPath, id, hierarchy),
    resources,
    hierarchy,
    unified: true,
  })
  return ownCgroup(cgroup)
}
