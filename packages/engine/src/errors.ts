import { isNetbridgeError } from '@ctr/netbridge'
import { isOverlayError } from '@ctr/overlay'
import { isRegistryError } from '@ctr/registry'
import { isRuntimeError, type RuntimeErrorCode } from '@ctr/runtime'

/** What a client is told instead of an answer: Docker's status code, and `{"message": ...}`. */
export class ApiError extends Error {
  override readonly name = 'ApiError' as const
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** A value of a request that cannot be. */
export function badRequest(message: string): ApiError {
  return new ApiError(400, message)
}

/** Something that the API has and this engine has not. */
export function notImplemented(message: string): ApiError {
  return new ApiError(501, message)
}

/** What is asked of the manager of a swarm, where there is none. */
export function outsideOfSwarm(): ApiError {
  return new ApiError(
    503,
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  )
}

const statusOf: Partial<Record<RuntimeErrorCode, number>> = {
  ERR_RUNTIME_INVALID_ARG: 400,
  ERR_RUNTIME_USER_NOT_FOUND: 400,
  ERR_RUNTIME_COMMAND_NOT_FOUND: 400,
  ERR_RUNTIME_COMMAND_NOT_EXECUTABLE: 400,
  ERR_RUNTIME_LIMIT: 400,
  ERR_RUNTIME_SECCOMP: 400,
  ERR_RUNTIME_READ_ONLY: 400,
  ERR_RUNTIME_IMAGE_NOT_FOUND: 404,
  ERR_RUNTIME_CONTAINER_NOT_FOUND: 404,
  ERR_RUNTIME_IMAGE_IN_USE: 409,
  ERR_RUNTIME_NAME_TAKEN: 409,
  ERR_RUNTIME_NOT_RUNNING: 409,
  ERR_RUNTIME_RUNNING: 409,
  ERR_RUNTIME_UNSUPPORTED: 501,
}

/** Clients tell exit codes 127 and 126 by these words. */
const words: Partial<Record<RuntimeErrorCode, string>> = {
  ERR_RUNTIME_COMMAND_NOT_FOUND: 'executable file not found in $PATH',
  ERR_RUNTIME_COMMAND_NOT_EXECUTABLE: 'permission denied',
}

/** Any error as the one that the client is told. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (isRuntimeError(error)) {
    const said = words[error.code]
    const message = said === undefined ? error.message : `${error.message}: ${said}`
    return new ApiError(statusOf[error.code] ?? 500, message, { cause: error })
  }
  if (isRegistryError(error)) return new ApiError(registryStatus(error.code), error.message, { cause: error })
  if (isOverlayError(error)) return new ApiError(overlayStatus(error.code), error.message, { cause: error })
  if (isNetbridgeError(error)) return new ApiError(networkStatus(error.code), error.message, { cause: error })
  if (isClientError(error)) return new ApiError(error.statusCode, error.message, { cause: error })
  return new ApiError(500, error instanceof Error ? error.message : String(error), { cause: error })
}

function registryStatus(code: string): number {
  if (['NO_IMAGE', 'NO_PLATFORM', 'NOT_FOUND'].some((one) => code === `ERR_REGISTRY_${one}`)) return 404
  if (code === 'ERR_REGISTRY_UNAUTHORIZED') return 401
  if (code === 'ERR_REGISTRY_INVALID_REFERENCE' || code === 'ERR_REGISTRY_INVALID_ARG') return 400
  return 500
}

function networkStatus(code: string): number {
  if (code === 'ERR_NETBRIDGE_NOT_FOUND') return 404
  if (code === 'ERR_NETBRIDGE_INVALID_ARG') return 400
  if (code === 'ERR_NETBRIDGE_EXISTS') return 409
  if (code === 'ERR_NETBRIDGE_IN_USE' || code === 'ERR_NETBRIDGE_SUBNET_CONFLICT') return 403
  return 500
}

function overlayStatus(code: string): number {
  if (code === 'ERR_OVERLAY_NOT_FOUND') return 404
  if (code === 'ERR_OVERLAY_IN_USE' || code === 'ERR_OVERLAY_EXISTS') return 409
  if (['INVALID_ARG', 'ARCHIVE', 'COMPRESSION', 'LIMIT'].some((one) => code === `ERR_OVERLAY_${one}`))
    return 400
  return 500
}

/** What the HTTP server itself finds wrong with a request. */
function isClientError(error: unknown): error is Error & { readonly statusCode: number } {
  if (!(error instanceof Error) || !('statusCode' in error)) return false
  return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
