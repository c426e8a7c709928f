import { OverlayError } from '../errors.js'

/**
 * How to mount a root file system. Plain data: a runtime can carry it out in another process, in a system-call
 * program for example.
 */
export interface OverlayDescription {
  /** Folders from the bottom to the top; the last one wins. At least one, at most 500. */
  readonly lower: readonly string[]
  /** Folder that takes the changes; without it the mount is read-only. */
  readonly upper?: string | undefined
  /** Empty folder on the file system of `upper` for overlayfs itself. Goes with `upper`. */
  readonly work?: string | undefined
  /**
   * Skips every sync of the upper layer. Faster, and after a crash of the machine the upper layer is lost:
   * for containers that are thrown away. Default false.
   */
  readonly volatile?: boolean | undefined
  /**
   * Overlayfs keeps its notes in attributes that the owner of a file can set (`user.overlay.*`) in place of those
   * that root alone can: the only way in a user namespace, from Linux 5.11 on. Default false.
   */
  readonly userxattr?: boolean | undefined
}

/** One setting of the overlay file system, as fsconfig(2) takes it: a string, or a bare flag. */
export type OverlayParameter = readonly [key: string, value: string] | readonly [flag: string]

const mostLower = 500 // OVL_MAX_STACK of the kernel
const mostBytes = 255 // of one value of fsconfig(2)

/**
 * The settings of the mount, in the order in which `fsconfig` must be given them after `fsopen("overlay")`.
 *
 * Chosen as Docker has them: `index=off`, `metacopy=off`, `redirect_dir=off`, so that an upper folder holds
 * plain whole files ("native diff") and can be read without overlayfs. Each layer is given by itself with
 * `lowerdir+` (Linux 6.7), so that their number is not limited by the length of one string.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG`: no lower folder, too many, `upper` without `work`, a
 *   path that is not absolute or that fsconfig(2) cannot take.
 * @see {@link https://docs.kernel.org/filesystems/overlayfs.html}
 */
export function overlayParameters(description: OverlayDescription): readonly OverlayParameter[] {
  const { lower, upper, work, volatile = false, userxattr = false } = description
  if (lower.length === 0 || lower.length > mostLower) {
    throw invalid(`it needs from 1 to ${mostLower} lower folders, got ${lower.length}`)
  }
  if ((upper === undefined) !== (work === undefined)) throw invalid('upper and work go together')
  if (upper === undefined && lower.length === 1) {
    throw invalid('without an upper folder it needs two lower ones; add an empty one')
  }
  const parameters: OverlayParameter[] = [
    ['index', 'off'],
    ['metacopy', 'off'],
    // what the owner of a file can set must not lead anywhere, as the kernel demands, too
    ['redirect_dir', userxattr ? 'nofollow' : 'off'],
  ]
  if (userxattr) parameters.push(['userxattr'])
  // overlayfs counts from the top
  for (const folder of [...lower].reverse()) parameters.push(['lowerdir+', checked(folder)])
  if (upper !== undefined && work !== undefined) {
    parameters.push(['upperdir', checked(upper)], ['workdir', checked(work)])
    if (volatile) parameters.push(['volatile'])
  }
  return parameters
}

function checked(path: string): string {
  if (!path.startsWith('/') || path.includes('\0'))
    throw invalid(`${JSON.stringify(path)} is no absolute path`)
  const bytes = Buffer.byteLength(path)
  if (bytes > mostBytes) throw invalid(`${path} has ${bytes} bytes, fsconfig takes at most ${mostBytes}`)
  // some kernels take a backslash as an escape, others as itself
  if (path.includes('\\')) throw invalid(`${path} has a backslash`)
  return path
}

function invalid(reason: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_INVALID_ARG', `cannot mount an overlay: ${reason}`)
}
