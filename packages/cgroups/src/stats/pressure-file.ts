import { existsSync } from 'node:fs'
import { CgroupError } from '../errors.js'
import { unifiedFolder, type Group } from '../group/group.js'
import { readFileIfThere } from '../kernel/interface-file.js'
import { parsePressure, type Pressure, type PressureResource } from './pressure.js'

/** Whose pressure figures are: v1 has none of groups, and those of the host stand in for them. */
export type PressureScope = 'group' | 'host'

/** Pressure, and whose it is. */
export interface ScopedPressure extends Pressure {
  readonly scope: PressureScope
}

/** Where the pressure of a group is told: in the unified hierarchy, or else that of the host. */
export function pressureFile(
  group: Group,
  resource: PressureResource,
): { readonly path: string; readonly scope: PressureScope } {
  const unified = unifiedFolder(group)
  const own = unified === undefined ? undefined : `${unified}/${resource}.pressure`
  if (own !== undefined && existsSync(own)) return { path: own, scope: 'group' }
  return { path: `/proc/pressure/${resource}`, scope: 'host' }
}

/** Reads pressure; see `Cgroup.pressure`. */
export function readPressure(path: string): Pressure {
  const pressure = parsePressure(readFileIfThere(path))
  if (pressure) return pressure
  throw new CgroupError(
    'ERR_CGROUP_UNSUPPORTED',
    `cannot read ${path}: this kernel does not count pressure, build with CONFIG_PSI or boot with psi=1`,
    { path },
  )
}
