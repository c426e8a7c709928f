import { ApiError } from './api-error.js'
import { isDigest } from '../manifest/digest.js'
import type { MemoryBudget } from './memory-budget.js'
import type { Mirror } from './mirror.js'
import type { Pins } from './pins.js'
import type { Quotas } from './quotas.js'
import type { Repositories } from './repositories.js'
import type { Uploads } from './uploads.js'

/** What the handlers of requests work on. */
export interface Registry {
  readonly repositories: Repositories
  readonly uploads: Uploads
  readonly quotas: Quotas
  readonly pins: Pins
  readonly memory: MemoryBudget
  readonly isReadOnly: boolean
  /** Brings what is not here from another registry. */
  readonly mirror: Mirror | undefined
}

/** Counts what a repository has, once, before anything is pushed to it. */
export async function learnUsage({ repositories, uploads, quotas }: Registry, name: string): Promise<void> {
  if (quotas.knows(name)) return
  const bytes = await repositories.bytesOf(name)
  quotas.learn(name, bytes + uploads.bytesOf(name))
}

/** A digest, before any path is made of it. */
export function checkedDigest(digest: string): string {
  if (!isDigest(digest)) throw new ApiError(400, 'DIGEST_INVALID', 'not a SHA-256 or SHA-512 digest')
  return digest
}
