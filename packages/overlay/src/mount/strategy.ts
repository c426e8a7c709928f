import { OverlayError } from '../errors.js'

/**
 * How layers become one tree:
 *
 * - `overlay`: the kernel's own overlay file system, the way to go.
 * - `fuse-overlayfs`: the same by the program of that name, for an ordinary user to whom the kernel, or the file system
 *   of the store, refuses overlays. A process for each mount, which ends with it.
 * - `copy`: every root is a copy of all its layers. Works everywhere, and costs the time and the space of the copy.
 */
export type MountStrategy = 'overlay' | 'fuse-overlayfs' | 'copy'

export const mountStrategies: readonly MountStrategy[] = ['overlay', 'fuse-overlayfs', 'copy']

/** @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG` for no strategy, or one that the store cannot have. */
export function checkStrategy(strategy: MountStrategy, isNamespaced: boolean): void {
  if (!mountStrategies.includes(strategy)) {
    throw new OverlayError(
      'ERR_OVERLAY_INVALID_ARG',
      `cannot open the store: the strategy must be one of ${mountStrategies.join(', ')}, got ${JSON.stringify(strategy)}`,
    )
  }
  if (strategy !== 'fuse-overlayfs' || isNamespaced) return
  throw new OverlayError(
    'ERR_OVERLAY_INVALID_ARG',
    'cannot open the store: fuse-overlayfs is for user namespaces, and the store has none',
  )
}

/** What stands on folders that may change has to be mounted by the kernel, or be a copy of one of them. */
export function checkPlain(strategy: MountStrategy, folders: readonly string[]): void {
  if (folders.length === 1 && folders[0] !== '/') return
  throw new OverlayError(
    'ERR_OVERLAY_UNSUPPORTED',
    `cannot make a root on ${folders.join(', ')}: ${strategy} takes one folder, and not the whole host`,
  )
}
