import type { ConfigDevice } from '../config/config.js'
import type { ParsedMount } from './mount-rules.js'
import type { Place } from './root-view.js'

/** A detached mount that the runtime has opened. */
export interface MountSource {
  readonly fd: number
  readonly kind: 'folder' | 'file'
}

/** A mount below another one. */
export interface BelowMount extends MountSource {
  /** From the other one's root. */
  readonly path: string
}

/** How a mount of the config comes about. */
export type MountMaking =
  /** It is there, detached: a bind, or a tmpfs with a copy. */
  | ({
      readonly how: 'opened'
      /** Others that belong in it. */
      readonly below?: readonly BelowMount[]
      /** The place in the container that it is of. */
      readonly from?: Place | undefined
    } & MountSource)
  /**
   * The child binds a path of the host. Mounts are listed in the order in which they came about, and so a bind that
   * does not need our privileges comes about in its turn.
   */
  | {
      readonly how: 'bound'
      readonly source: string
      readonly flags: number
      readonly kind: 'folder' | 'file'
      /** `MS_*`, in order. */
      readonly propagation: readonly number[]
    }
  /** The child makes the file system. */
  | { readonly how: 'new'; readonly type: string; readonly parameters: readonly MountParameter[] }
  /** The hierarchies of cgroups. */
  | { readonly how: 'cgroup' }
  /** A bind of what the container's own tree has by then. */
  | { readonly how: 'inside'; readonly from: Place; readonly kind: 'folder' | 'file' }
  /** No mount, but a link that says the same as that of the host. */
  | { readonly how: 'link'; readonly target: string }
  /** A change of what is mounted already. */
  | { readonly how: 'remount' }

/** A setting of a file system: a string, or a bare flag. */
export type MountParameter = readonly [key: string, value: string] | readonly [flag: string]

/** A mount of the config, and where it goes. */
export interface PlannedMount extends ParsedMount {
  readonly place: Place
  readonly making: MountMaking
}

/** A device node, and where it goes. */
export interface PlannedDevice {
  readonly device: ConfigDevice
  readonly place: Place
  /** A detached mount of a node, where the container cannot make its own. */
  readonly source: number | undefined
}

/** A path to hide, and what is there: `missing` nothing, undefined what only the kernel can say. */
export interface MaskedPath {
  readonly path: string
  readonly kind: 'folder' | 'file' | 'missing' | undefined
}

/** Everything that a container is made of, opened and looked up before its process exists. */
export interface SetupPlan extends Disposable {
  /** The root file system. */
  readonly root: number
  readonly mounts: readonly PlannedMount[]
  /** `/dev` is the container's own, and is furnished. */
  readonly ownDev: boolean
  readonly devices: readonly PlannedDevice[]
  readonly masked: readonly MaskedPath[]
  /** Working directory, made where it is missing. */
  readonly cwd: Place
  /** All descriptors that the child uses. */
  readonly fds: readonly number[]
}
