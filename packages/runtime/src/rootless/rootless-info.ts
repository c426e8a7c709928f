import type { MountStrategy } from '@ctr/overlay'
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
  /** How the layers of images become the roots of containers. */
  readonly storage: MountStrategy
  /** Why not by overlays of the kernel, and what helps; null where it is so, or was asked for. */
  readonly storageReason: string | null
}

/** Describes an ordinary user's runtime; undefined for root's. */
export function rootlessInfo(context: Context): RootlessInfo | undefined {
  const { rootless, userNetwork, hasCgroups, layers, storageReason } = context
  if (rootless === undefined) return undefined
  return {
    ids: rootless.ids.maps.uid.reduce((sum, { size }) => sum + size, 0),
    idsReason: rootless.ids.limited ?? null,
    network: userNetwork.program ?? null,
    networkReason: userNetwork.reason ?? null,
    limits: hasCgroups,
    limitsReason: hasCgroups ? null : `no cgroup is delegated; ${noDelegation}`,
    storage: layers.strategy,
    storageReason: storageReason ?? null,
  }
}
