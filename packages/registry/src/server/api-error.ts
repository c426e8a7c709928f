/** Error codes of the distribution specification ("Error Codes"), and one for what is our own fault. */
export type ApiErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'UNKNOWN'

/** An answer with the specification's error body. */
export class ApiError extends Error {
  override readonly name = 'ApiError' as const
  readonly status: number
  readonly code: ApiErrorCode
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: ApiErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }

  /** The JSON body. */
  get body(): string {
    return JSON.stringify({ errors: [{ code: this.code, message: this.message }] })
  }
}

export const unknownBlob = (): ApiError => new ApiError(404, 'BLOB_UNKNOWN', 'blob unknown to repository')
export const unknownUpload = (): ApiError =>
  new ApiError(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry')
export const unknownManifest = (): ApiError =>
  new ApiError(404, 'MANIFEST_UNKNOWN', 'manifest unknown to repository')
export const unknownName = (): ApiError =>
  new ApiError(404, 'NAME_UNKNOWN', 'repository name not known to registry')
