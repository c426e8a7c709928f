import { RuntimeError } from '../errors.js'
import type { RunOptions } from '../options.js'

/** Why an ordinary user has no cgroups, and what to do about it. */
export const noDelegation =
  'an ordinary user needs cgroup v2 and a group that is delegated to it, as systemd gives every login (systemd-run --user --scope); or run as root'

const limits = ['memory', 'memorySwap', 'cpus', 'cpuShares', 'cpusetCpus', 'pids'] as const

/**
 * A limit that is passed over in silence is worse than an error.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_LIMIT`: an ordinary user to whom no cgroup is delegated asks for one.
 */
export function refuseLimits(options: RunOptions): void {
  const asked = limits.find((name) => options[name] !== undefined)
  if (asked === undefined) return
  throw new RuntimeError(
    'ERR_RUNTIME_LIMIT',
    `cannot limit ${asked}: no cgroup is delegated; ${noDelegation}`,
  )
}

/** The error of an ordinary user who asks for scopes: systemd makes those of the whole system. */
export function systemdNeedsRoot(): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    'cannot let systemd make the cgroups of an ordinary user: leave cgroupDriver out, and the cgroup that systemd has delegated to the user is used',
  )
}

/** The error of an ordinary user who asks for another user namespace: its containers have one with all its ids. */
export function userNamespaceNeedsRoot(): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    "cannot choose the user namespace without root: an ordinary user's containers are in one with the ids of the user; leave userNamespace out",
  )
}
