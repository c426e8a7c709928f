import { checkHost } from '@ctr/cgroups'

/** What the control groups of this host cannot do, in Docker's words; swap is what limits of memory depend on. */
export interface HostLimits {
  readonly hasSwap: boolean
  readonly warnings: readonly string[]
}

/** Asks the kernel: takes some milliseconds. */
export function hostLimits(): HostLimits {
  const { findings } = checkHost()
  return {
    hasSwap: findings.some(
      ({ title, availability }) => title === 'swap accounting' && availability === 'there',
    ),
    warnings: findings.flatMap(({ warning, availability }) =>
      warning !== undefined && availability === 'missing' ? [`WARNING: ${warning}`] : [],
    ),
  }
}
