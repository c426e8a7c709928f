import { OverlayError } from '../errors.js'

/** How much a root or a volume may hold, where the file system has project quotas. */
export interface StorageLimit {
  /** Most bytes on disk, rounded up to 1,024. Default as many as there are. */
  readonly bytes?: number | undefined
  /** Most files, folders, links and the like, its own folders included. Default as many as there are. */
  readonly inodes?: number | undefined
}

/** What a {@link StorageLimit} counts. */
export interface StorageUse extends StorageLimit {
  /** Bytes on disk. */
  readonly usedBytes: number
  /** Files, folders, links and the like. */
  readonly usedInodes: number
}

/** @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG` for limits that are none. */
export function checkStorageLimit(limit: StorageLimit): void {
  if (limit.bytes === undefined && limit.inodes === undefined)
    throw new OverlayError(
      'ERR_OVERLAY_INVALID_ARG',
      'cannot limit storage: bytes, inodes or both are needed',
    )
  for (const [name, value] of Object.entries(limit)) {
    if (value === undefined || (Number.isSafeInteger(value) && Number(value) > 0)) continue
    throw new OverlayError(
      'ERR_OVERLAY_INVALID_ARG',
      `cannot limit storage to ${String(value)} ${name}: it must be a whole number above 0`,
    )
  }
}
