import { types } from 'node:util'
import { errnoName } from '@ctr/linux'

/** What went wrong, for programs. A new code is a minor change, a changed code a major one. */
export type OverlayErrorCode =
  | 'ERR_OVERLAY_INVALID_ARG' // an argument is outside the documented range
  | 'ERR_OVERLAY_ARCHIVE' // the archive is malformed, or asks for what no layer may ask for
  | 'ERR_OVERLAY_COMPRESSION' // the gzip or zstd data is damaged or ends early
  | 'ERR_OVERLAY_LIMIT' // more bytes, entries, path bytes or levels than allowed
  | 'ERR_OVERLAY_DIGEST' // the content does not have the diffID that was asked for
  | 'ERR_OVERLAY_NOT_FOUND' // no such layer, root or file
  | 'ERR_OVERLAY_EXISTS' // a root of that id is already there
  | 'ERR_OVERLAY_IN_USE' // a root still stands on the layer, or something still uses the mount
  | 'ERR_OVERLAY_DAMAGED' // a file of the store has an unexpected shape
  | 'ERR_OVERLAY_UNSUPPORTED' // this kernel, Node.js or file system lacks what is needed
  | 'ERR_OVERLAY_PERMISSION' // EPERM or EACCES
  | 'ERR_OVERLAY_READ_ONLY' // the mount is read-only
  | 'ERR_OVERLAY_MOUNT' // the kernel refused to mount; see `cause`
  | 'ERR_OVERLAY_IO' // any other errno; see `cause`

/** The only error class thrown by this package. Match on `code`. */
export class OverlayError extends Error {
  override readonly name = 'OverlayError' as const
  /** What went wrong. */
  readonly code: OverlayErrorCode
  /** The file, folder or archive entry that it is about. */
  readonly path: string | undefined

  constructor(
    code: OverlayErrorCode,
    message: string,
    context: ErrorOptions & { readonly path?: string } = {},
  ) {
    super(message, context)
    this.code = code
    this.path = context.path
  }
}

/** True for errors of this package, even when two versions of it are installed. */
export function isOverlayError(error: unknown): error is OverlayError {
  return types.isNativeError(error) && error.name === 'OverlayError'
}

/** The errno name of an error of Node.js or `@ctr/linux`, `'ENOENT'` for example. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  if (typeof error.code !== 'string') return undefined
  // Node.js has no name for some of them, EDQUOT for example
  if (/^unknown/i.test(error.code) && 'errno' in error && typeof error.errno === 'number')
    return errnoName(-error.errno)
  return error.code
}

/**
 * Gives an error of the system its place in the package's terms: `cannot <action> <path>: <errno>`.
 * Errors of this package and aborts pass through as they are.
 */
export function systemError(action: string, path: string, cause: unknown): unknown {
  if (isOverlayError(cause) || (types.isNativeError(cause) && cause.name === 'AbortError')) return cause
  const errno = errnoOf(cause)
  return new OverlayError(codeOf(errno), `cannot ${action} ${path}: ${errno ?? String(cause)}`, {
    cause,
    path,
  })
}

/** The error of an aborted call, as Node's own functions throw it: the signal's reason is its cause. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}

function codeOf(errno: string | undefined): OverlayErrorCode {
  switch (errno) {
    case 'EPERM':
    case 'EACCES':
      return 'ERR_OVERLAY_PERMISSION'
    case 'EROFS':
      return 'ERR_OVERLAY_READ_ONLY'
    case 'ENOENT':
      return 'ERR_OVERLAY_NOT_FOUND'
    case 'EOPNOTSUPP':
    case 'ENOSYS':
      return 'ERR_OVERLAY_UNSUPPORTED'
    default:
      return 'ERR_OVERLAY_IO'
  }
}
