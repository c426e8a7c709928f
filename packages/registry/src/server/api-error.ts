/** An answer with the specification's error body (distribution-spec, "Error Codes"). */
export class ApiError extends Error {
  override readonly name = 'ApiError' as const
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
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
