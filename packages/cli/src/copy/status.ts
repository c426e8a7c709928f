import { constants } from 'node:fs'
import { isOverlayError, type FileStatus } from '@ctr/overlay'
import type { CopyStatus } from './copy-side.js'

/** What lies at a path; undefined where there is nothing. */
export async function statusUnlessMissing(
  stat: () => FileStatus | Promise<FileStatus>,
): Promise<CopyStatus | undefined> {
  try {
    const { mode, linkTarget } = await stat()
    return { isFolder: (mode & constants.S_IFMT) === constants.S_IFDIR, linkTarget }
  } catch (error) {
    if (isOverlayError(error) && error.code === 'ERR_OVERLAY_NOT_FOUND') return undefined
    throw error
  }
}
