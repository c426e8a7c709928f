import { types } from 'node:util'

/** What went wrong, for programs to match on. */
export type RegistryErrorCode =
  | 'ERR_REGISTRY_INVALID_ARG' // an option or argument outside its documented range
  | 'ERR_REGISTRY_INVALID_REFERENCE' // not an image reference by Docker's rules
  | 'ERR_REGISTRY_INVALID_DIGEST' // not `sha256:` or `sha512:` and the right number of lower-case hex digits
  | 'ERR_REGISTRY_BAD_MANIFEST' // a manifest, index or config with an unexpected shape
  | 'ERR_REGISTRY_NO_PLATFORM' // the index offers nothing for the wanted platform
  | 'ERR_REGISTRY_DIGEST_MISMATCH' // bytes do not have the digest that names them
  | 'ERR_REGISTRY_SIZE_MISMATCH' // fewer or more bytes than the descriptor says
  | 'ERR_REGISTRY_TOO_LARGE' // a bound of this package was exceeded
  | 'ERR_REGISTRY_UNAUTHORIZED' // 401, with or without credentials
  | 'ERR_REGISTRY_DENIED' // 403
  | 'ERR_REGISTRY_NOT_FOUND' // 404
  | 'ERR_REGISTRY_RATE_LIMITED' // 429 after all retries, or a Retry-After longer than we wait
  | 'ERR_REGISTRY_STATUS' // any other unexpected status
  | 'ERR_REGISTRY_PROTOCOL' // an answer that the distribution specification does not allow
  | 'ERR_REGISTRY_INSECURE' // would have gone over plain HTTP where that is not allowed
  | 'ERR_REGISTRY_TIMEOUT' // the other side stalled
  | 'ERR_REGISTRY_CONNECTION' // refused, reset, unknown host, TLS; see `cause`
  | 'ERR_REGISTRY_CREDENTIALS' // the Docker configuration or a credential helper fails
  | 'ERR_REGISTRY_CONFIG' // a file of registries cannot be read or has an unexpected shape
  | 'ERR_REGISTRY_UNTRUSTED' // no signature shows what the policy requires
  | 'ERR_REGISTRY_NO_IMAGE' // not in this image store
  | 'ERR_REGISTRY_AMBIGUOUS' // a short id fits several images
  | 'ERR_REGISTRY_NO_BLOB' // a blob is not in this store
  | 'ERR_REGISTRY_ARCHIVE' // an archive of images is damaged or of an unknown kind
  | 'ERR_REGISTRY_STORE' // a store folder has an unexpected shape
  | 'ERR_REGISTRY_IO' // any other errno of the file system; see `cause`

/** One entry of the `errors` list that registries answer with (distribution-spec, "Error Codes"). */
export interface RegistryErrorDetail {
  /** The registry's code, such as `MANIFEST_UNKNOWN`. */
  readonly code: string
  /** The registry's words. Written by the other side: show it, never act on it. */
  readonly message: string
}

/** What a {@link RegistryError} knows besides its message. */
export interface RegistryErrorContext extends ErrorOptions {
  /** HTTP status, when a registry answered. */
  readonly status?: number | undefined
  /** The `errors` list of the answer. */
  readonly errors?: readonly RegistryErrorDetail[] | undefined
  /** Milliseconds the registry asked to wait (`Retry-After`). */
  readonly retryAfterMs?: number | undefined
}

/** The only error class thrown by this package. Match on `code`. Aborts are Node's `AbortError` instead. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError' as const
  readonly code: RegistryErrorCode
  /** HTTP status, when a registry answered. */
  readonly status: number | undefined
  /** The `errors` list of the registry's answer; empty when there was none. */
  readonly errors: readonly RegistryErrorDetail[]
  /** Milliseconds the registry asked to wait (`Retry-After`). */
  readonly retryAfterMs: number | undefined

  constructor(code: RegistryErrorCode, message: string, context: RegistryErrorContext = {}) {
    super(message, 'cause' in context ? { cause: context.cause } : {})
    this.code = code
    this.status = context.status
    this.errors = context.errors ?? []
    this.retryAfterMs = context.retryAfterMs
  }
}

/** True for errors of this package, even when two versions of it are installed. */
export function isRegistryError(error: unknown): error is RegistryError {
  return types.isNativeError(error) && error.name === 'RegistryError'
}

/** The `code` of a system error such as `ENOENT`, whatever realm it was made in. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The words of any thrown value. */
export function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error)
}
