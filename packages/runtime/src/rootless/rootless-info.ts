import type { Context } from '../context.js'
import { noDelegation } from './limits.js'
import type { UserNetwork } from './network-program.js'

/** What running as an ordinary user means on this host: what there is, and of the rest why not and what helps. */
export interface RootlessInfo {
  /** How many user ids containers have. With one nobody but root is there, and files of images all belong to root. */
  readonly ids: number
  /** Why it is one; null where there are more. */
  readonly idsReason: string | null
  /** What connects containers to the network; null where they can have none but the host's. */
  readonly network: UserNetwork | null
  readonly networkReason: string | null
  /** Whether memory, processors and processes can be limited, figures read and containers paused. */
  readonly limits: boolean
  readonly limitsReason: string | null
}

/** Describes an ordinary user's runtime; undefined for root's. */
export function rootlessInfo({ rootless, userNetwork, hasCgroups }: Context): RootlessInfo | undefined {
  if (rootless === undefined) return undefined
  return {
    ids: rootless.ids.maps.uid.reduce((sum, { size }) => sum + size, 0),
    idsReason: rootless.ids.limited ?? null,
    network: userNetwork.program ?? null,
    networkReason: userNetwork.reason ?? null,
    limits: hasCgroups,
    limitsReason: hasCgroups ? null : `no cgroup is delegated; ${noDelegation}`,
  }
}
