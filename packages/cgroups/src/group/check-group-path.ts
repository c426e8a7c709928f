import { CgroupError } from '../errors.js'

/**
 * Throws unless `path` names a group below the top of a hierarchy and cannot lead out of it.
 *
 * @param path - `/`, then names of 1 to 255 bytes between single slashes; not `.` or `..`, no NUL, no line break.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`.
 */
export function checkGroupPath(path: unknown): asserts path is string {
  const wrong = problem(path)
  if (wrong === undefined) return
  const shown = typeof path === 'string' ? JSON.stringify(path.slice(0, 120)) : typeof path
  throw new CgroupError('ERR_CGROUP_INVALID_ARG', `cannot use ${shown} as path of a group: ${wrong}`, {
    path: typeof path === 'string' ? path : undefined,
  })
}

function problem(path: unknown): string | undefined {
  if (typeof path !== 'string' || !path.startsWith('/')) return 'it must begin with a slash'
  if (Buffer.byteLength(path) > 2048) return 'it must have at most 2048 bytes'
  // the kernel refuses line breaks, as they would break /proc/PID/cgroup
  if (path.includes('\0') || path.includes('\n')) return 'it must hold no NUL and no line break'
  for (const name of path.slice(1).split('/')) {
    if (name === '') return 'it must have a name after every slash'
    if (name === '.' || name === '..') return `it must not hold the name ${name}`
    if (Buffer.byteLength(name) > 255) return 'names must have at most 255 bytes'
  }
  return undefined
}
