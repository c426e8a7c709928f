import { ApiError } from './api-error.js'
import { isDigest } from '../manifest/digest.js'
import type { Repositories } from './repositories.js'
import type { Uploads } from './uploads.js'

/** What the handlers of requests work on. */
export interface Registry {
  readonly repositories: Repositories
  readonly uploads: Uploads
}

/** A digest, before any path is made of it. */
export function checkedDigest(digest: string): string {
  if (!isDigest(digest)) throw new ApiError(400, 'DIGEST_INVALID', 'not a SHA-256 or SHA-512 digest')
  return digest
}
