import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cgroup, Hierarchy } from '@ctr/cgroups'
import { RuntimeError } from '../errors.js'
import { updateContainerCgroup } from './cgroup/container-cgroup.js'
import { resourcesOf } from './cgroup/resources.js'
import { updateOf } from './cgroup/update.js'
import type { Config } from './config/config.js'
import type { ConfigResources } from './config/config-resources.js'
import { formatConfig } from './config/format-config.js'
import type { ContainerState } from './state/container-state.js'
import type { LockedContainer } from './state/locked-container.js'

/** What of a container's class of resources changes. */
export interface RdtUpdate {
  readonly l3CacheSchema?: string | undefined
  readonly memBwSchema?: string | undefined
}

/** The container whose limits change. */
export interface ToUpdate {
  readonly container: LockedContainer
  readonly state: ContainerState
  readonly config: Config
  readonly cgroup: Cgroup
  readonly hierarchy: Hierarchy
}

/** Changes limits, and keeps what was asked for in the container's config, for later updates. */
export async function updateContainer(
  { container, state, config, cgroup, hierarchy }: ToUpdate,
  resources: ConfigResources,
  rdt: RdtUpdate,
): Promise<void> {
  const { applied, kept } = updateOf(config.linux?.resources ?? {}, resources)
  updateRdt(state, rdt)
  const limits = resourcesOf(applied, hierarchy, { devices: false })
  if (state.cgroupManager === 'systemd') await (await import('./cgroup/scope.js')).updateScope(cgroup, limits)
  else updateContainerCgroup(cgroup, limits)
  container.saveConfig(formatConfig({ ...config, linux: { ...config.linux, resources: kept } }))
}

function updateRdt({ id, intelRdtPath }: ContainerState, { l3CacheSchema, memBwSchema }: RdtUpdate): void {
  const lines = [l3CacheSchema, memBwSchema].filter((line) => line !== undefined && line !== '')
  if (lines.length === 0) return
  if (intelRdtPath === '') {
    throw new RuntimeError(
      'ERR_RUNTIME_CONFIG',
      `container ${id} has no class of resources: its config has no linux.intelRdt`,
    )
  }
  writeFileSync(join(intelRdtPath, 'schemata'), lines.map((line) => `${line}\n`).join(''))
}
