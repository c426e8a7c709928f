import { types } from 'node:util'

/** What went wrong, as a stable word to match on. */
export type RuntimeErrorCode =
  | 'ERR_RUNTIME_INVALID_ARG' // outside the documented range
  | 'ERR_RUNTIME_CONFIG' // a config.json that is malformed, or asks for what cannot be
  | 'ERR_RUNTIME_SECCOMP' // a seccomp profile that no filter can be made of
  | 'ERR_RUNTIME_USER_NOT_FOUND' // the image knows no such user or group
  | 'ERR_RUNTIME_IMAGE_NOT_FOUND' // no such image here; pull it first
  | 'ERR_RUNTIME_IMAGE_IN_USE' // a container stands on the image
  | 'ERR_RUNTIME_DOWNLOAD' // a file of the web that cannot be had
  | 'ERR_RUNTIME_CONTAINER_NOT_FOUND' // no container of that id or name
  | 'ERR_RUNTIME_NAME_TAKEN' // another container has the name
  | 'ERR_RUNTIME_NOT_RUNNING' // the container's program has ended
  | 'ERR_RUNTIME_RUNNING' // the container must be stopped first
  | 'ERR_RUNTIME_COMMAND_NOT_FOUND' // exit code 127: the program is not in the container
  | 'ERR_RUNTIME_COMMAND_NOT_EXECUTABLE' // exit code 126: it is there and cannot be executed
  | 'ERR_RUNTIME_PORT_TAKEN' // a published port is in use: address already in use
  | 'ERR_RUNTIME_LIMIT' // a limit that cannot be set, or is too small to start in
  | 'ERR_RUNTIME_START' // a step of the set-up failed; `cause` says which
  | 'ERR_RUNTIME_HOOK' // a hook of the bundle failed
  | 'ERR_RUNTIME_CRIU' // CRIU is not installed, too old, or lacks what is asked for
  | 'ERR_RUNTIME_CHECKPOINT' // CRIU could not save or restore the container; its log says why
  | 'ERR_RUNTIME_READ_ONLY' // a root or a volume that must not be written to
  | 'ERR_RUNTIME_STATE' // a state file that cannot be read
  | 'ERR_RUNTIME_BUSY' // another command works on the container
  | 'ERR_RUNTIME_UNSUPPORTED' // the kernel is too old, or was built without something
  | 'ERR_RUNTIME_CLOSED' // the runtime was closed

/** The only error class thrown by this package. Match on `code`. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError' as const
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for errors of this package, even when two versions of it are installed. */
export function isRuntimeError(error: unknown): error is RuntimeError {
  return types.isNativeError(error) && error.name === 'RuntimeError'
}
