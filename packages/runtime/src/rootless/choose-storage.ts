import { findStrategy, type FoundStrategy, type MountStrategy } from '@ctr/overlay'
import { RuntimeError } from '../errors.js'
import type { Rootless } from './rootless.js'

/**
 * How roots are made: as it was asked for, else by overlays, else as an ordinary user can.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: fuse-overlayfs, which root does not need.
 */
export async function chooseStorage(
  folder: string,
  wanted: MountStrategy | undefined,
  rootless: Rootless | undefined,
): Promise<FoundStrategy> {
  if (rootless === undefined && wanted === 'fuse-overlayfs') {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      'cannot use fuse-overlayfs: it is for ordinary users; root has overlay, or copy',
    )
  }
  if (wanted !== undefined) return { strategy: wanted, reason: undefined }
  if (rootless === undefined) return { strategy: 'overlay', reason: undefined }
  return await findStrategy(folder, rootless.namespace)
}
