import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CgroupError } from '../errors.js'
import { pathError } from '../kernel/errno.js'
import { readFileIfThere } from '../kernel/interface-file.js'
import type { Hierarchy } from './hierarchy.js'
import { parseHierarchy } from './parse-hierarchy.js'

/**
 * Finds out how this host mounts its control groups: `/proc/self/mountinfo` and `/proc/self/cgroup`.
 *
 * Takes 0.1 ms and more on hosts with thousands of mounts. The answer hardly ever changes: a program that
 * makes many groups detects once and passes `{ hierarchy }` to the other functions.
 *
 * @throws {@link CgroupError}
 *   - `ERR_CGROUP_UNSUPPORTED`: not Linux, or no cgroup file system is mounted.
 *   - `ERR_CGROUP_IO`, `ERR_CGROUP_PERMISSION`: `/proc` cannot be read.
 * @see {@link https://man7.org/linux/man-pages/man7/cgroups.7.html}
 *
 * @example
 * const hierarchy = detectHierarchy()
 * console.log(hierarchy.mode, hierarchy.controllers.get('memory')?.mountpoint)
 */
export function detectHierarchy(): Hierarchy {
  if (process.platform !== 'linux')
    throw new CgroupError(
      'ERR_CGROUP_UNSUPPORTED',
      `cannot detect control groups: ${process.platform} has none, Linux is needed`,
    )
  const hierarchy = parseHierarchy({
    mountinfo: read('/proc/self/mountinfo', 'latin1'),
    selfCgroup: read('/proc/self/cgroup', 'utf8'),
    unifiedControllers: (mountpoint) => readFileIfThere(join(mountpoint, 'cgroup.controllers')) ?? '',
  })
  if (hierarchy) return hierarchy
  throw new CgroupError(
    'ERR_CGROUP_UNSUPPORTED',
    'cannot detect control groups: no cgroup file system is mounted, mount one at /sys/fs/cgroup',
  )
}

function read(path: string, encoding: 'latin1' | 'utf8'): string {
  try {
    return readFileSync(path, encoding)
  } catch (error) {
    throw pathError('read', path, error)
  }
}
