import { types } from 'node:util'

/** Codes of {@link NamespacesError}. */
export type NamespacesErrorCode =
  | 'ERR_NAMESPACES_INVALID_ARG' // an option that cannot be
  | 'ERR_NAMESPACES_LIMIT' // a resource limit above the caller's own, without CAP_SYS_RESOURCE
  | 'ERR_NAMESPACES_ID_MAP' // the kernel or the host's files do not allow the id map
  | 'ERR_NAMESPACES_ENTER' // the kernel refuses to let this thread in
  | 'ERR_NAMESPACES_STRANDED' // this thread could not come back
  | 'ERR_NAMESPACES_NO_IDS' // not so many ids in a row are free
  | 'ERR_NAMESPACES_IDMAPPED_MOUNT' // the ids of a mount cannot be mapped
  | 'ERR_NAMESPACES_NOT_FOUND' // no such namespace, process or pin
  | 'ERR_NAMESPACES_COMMAND_NOT_FOUND' // the program does not exist inside
  | 'ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE' // it exists and cannot be executed
  | 'ERR_NAMESPACES_START' // a step of the set-up failed; `cause` is the system call

/** The only error class thrown by this package. Match on `code`. */
export class NamespacesError extends Error {
  override readonly name = 'NamespacesError' as const
  readonly code: NamespacesErrorCode

  constructor(code: NamespacesErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for errors of this package, even when two versions of it are installed. */
export function isNamespacesError(error: unknown): error is NamespacesError {
  return types.isNativeError(error) && error.name === 'NamespacesError'
}
