import type { CgroupDriver } from '@ctr/cgroups'
import { RuntimeError } from '../errors.js'

/** What is asked of a host, to know whether containers may have other parents on it. */
interface Groups {
  readonly rootless: unknown
  readonly cgroupDriver: CgroupDriver
  /** Path of the cgroup that all others of the runtime lie in. */
  readonly groupPath: string
}

/**
 * Reads the cgroup that a container's is to lie in, as a path from the top of each hierarchy.
 *
 * @returns It, beginning with a slash and without any at its end.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: no path, the top itself, one that leads up by `..`, or one
 *   below a container of this runtime; `ERR_RUNTIME_UNSUPPORTED`: an ordinary user asks, or systemd makes the cgroups.
 */
export function checkCgroupParent(text: string, { rootless, cgroupDriver, groupPath }: Groups): string {
  const shown = JSON.stringify(text.slice(0, 200))
  const refuse = (why: string): never => {
    throw new RuntimeError('ERR_RUNTIME_INVALID_ARG', `cannot use the parent cgroup ${shown}: ${why}`)
  }
  const unsupported = (why: string): never => {
    throw new RuntimeError('ERR_RUNTIME_UNSUPPORTED', `cannot use the parent cgroup ${shown}: ${why}`)
  }
  if (rootless !== undefined) unsupported('it needs root')
  if (cgroupDriver !== 'cgroupfs')
    unsupported('systemd makes the cgroups of containers, in a slice of its own')
  const names = text.split('/').filter((name) => name !== '' && name !== '.')
  if (names.length === 0) refuse('it is the top, which is not for containers')
  if (names.includes('..')) refuse('it must be without ".."')
  if (/[\0\n]/.test(text)) refuse('it must be without line breaks and NUL')
  if (text.length > 2048 || names.some((name) => Buffer.byteLength(name) > 255))
    refuse('a name has at most 255 bytes, all together at most 2048')
  const path = `/${names.join('/')}`
  if (path.startsWith(`${groupPath}/`)) refuse('it is that of a container')
  return path
}
