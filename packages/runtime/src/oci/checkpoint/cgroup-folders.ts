import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { detectHierarchy } from '@ctr/cgroups'

/** A cgroup of a process. */
export interface CgroupEntry {
  /** In the hierarchy: `name=systemd` for one without controllers, `''` for that of v2. */
  readonly controllers: readonly string[]
  /** From the top of the hierarchy. */
  readonly path: string
}

/** Cgroups of a process, see cgroups(7). */
export function cgroupsOf(pid: number): CgroupEntry[] {
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, controllers = '', ...path] = line.split(':')
      return { controllers: controllers.split(','), path: path.join(':') }
    })
}

/**
 * What a container without a cgroup namespace sees of its cgroups: on the host the folder in each v1 hierarchy, by
 * its name below `/sys/fs/cgroup`, or that in v2, without a name.
 *
 * @param pid - A process in the cgroups.
 */
export function hierarchyFolders(pid: number): { readonly name: string; readonly path: string }[] {
  const { mounts } = detectHierarchy()
  const v1 = mounts.filter(({ version }) => version === 1)
  const groups = cgroupsOf(pid)
  return (v1.length === 0 ? mounts : v1).flatMap(({ version, name, controllers, mountpoint }) => {
    const known = version === 2 ? '' : name === undefined ? controllers[0]! : `name=${name}`
    const group = groups.find((entry) => entry.controllers.includes(known))
    if (group === undefined) return []
    return [
      { name: version === 2 ? '' : (name ?? controllers.join(',')), path: join(mountpoint, group.path) },
    ]
  })
}

/** Where cgroups are mounted in the mount namespace of a process, at a folder and below it. */
export function cgroupMountsBelow(folder: string, pid: number): string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const fields = line.split(' ')
      const type = fields[fields.indexOf('-') + 1]!
      const point = unescape(fields[4]!)
      return type.startsWith('cgroup') && `${point}/`.startsWith(`${folder}/`) ? [point] : []
    })
}

/** proc(5) writes blanks and backslashes as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}
