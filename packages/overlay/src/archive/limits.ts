import { OverlayError } from '../errors.js'

/**
 * What one layer may ask for at most, so that a small download cannot fill the disk or the memory.
 * Sizes are of the uncompressed tar.
 */
export interface LayerLimits {
  /** Bytes of the uncompressed tar, and of its files with all holes of sparse ones. Default 64 GiB. */
  readonly bytes: number
  /** Entries of the tar, folders that are only implied by a name included. Default 2,000,000. */
  readonly entries: number
  /** Bytes of one path or link target. Default and maximum 4,095, as the kernel's `PATH_MAX`. */
  readonly pathBytes: number
  /** Folders above an entry. Default 256. */
  readonly depth: number
  /**
   * Bytes of the uncompressed tar for one compressed byte, beyond the first 64 MiB of the tar, in which any ratio may
   * be. Default 250: real layers come to 2 to 20, and zeros to 1,030 (gzip) or 30,000 (zstd).
   */
  readonly ratio: number
}

/** The limits that hold when none are given. */
export const defaultLayerLimits: LayerLimits = {
  bytes: 64 * 2 ** 30,
  entries: 2_000_000,
  pathBytes: 4095,
  depth: 256,
  ratio: 250,
}

/** For what was bounded when it came in. */
export const unboundedLayer: LayerLimits = {
  ...defaultLayerLimits,
  bytes: Infinity,
  entries: Infinity,
  ratio: Infinity,
}

/** Fills in defaults and refuses what is no limit. */
export function layerLimits(given: Partial<LayerLimits> = {}): LayerLimits {
  const limits = { ...defaultLayerLimits, ...given }
  for (const [name, value] of Object.entries<number>(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new OverlayError(
        'ERR_OVERLAY_INVALID_ARG',
        `cannot set the limit ${name}: must be a positive safe integer, got ${value}`,
      )
    }
  }
  if (limits.pathBytes > defaultLayerLimits.pathBytes) {
    throw new OverlayError(
      'ERR_OVERLAY_INVALID_ARG',
      `cannot set the limit pathBytes: the kernel takes at most ${defaultLayerLimits.pathBytes}, got ${limits.pathBytes}`,
    )
  }
  return limits
}
