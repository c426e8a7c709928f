import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { noDelegation } from '../rootless/limits.js'

/** The error of who wants something of a container that has ended. */
export function notRunning(name: string, what: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_NOT_RUNNING',
    `cannot ${what} container ${name}: its program does not run`,
  )
}

/**
 * Refuses what only a cgroup can do.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_LIMIT`: none is delegated to the caller.
 */
export function needCgroup({ hasCgroups }: Context, name: string, what: string): void {
  if (hasCgroups) return
  throw new RuntimeError(
    'ERR_RUNTIME_LIMIT',
    `cannot ${what} container ${name}: it has no cgroup; ${noDelegation}`,
  )
}
