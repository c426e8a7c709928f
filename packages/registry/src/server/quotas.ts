import { ApiError } from './api-error.js'

/** How much may be stored, in bytes. */
export interface QuotaOptions {
  /** All content of the server, each blob once, with uploads under way. Default: what the disk has. */
  readonly totalBytes?: number | undefined
  /** What one repository refers to, with uploads to it under way. Default: as `totalBytes`. */
  readonly repositoryBytes?: number | undefined
}

/** Counts what is stored against quotas. */
export class Quotas {
  readonly #limits: QuotaOptions
  #total: number
  readonly #repositories = new Map<string, number>()

  /** @param total - Bytes stored now. */
  constructor(limits: QuotaOptions, total: number) {
    this.#limits = limits
    this.#total = total
  }

  /** True when the repository's bytes are known, or need not be. */
  knows(repository: string): boolean {
    return this.#limits.repositoryBytes === undefined || this.#repositories.has(repository)
  }

  /** Says what a repository has. It is not asked again. */
  learn(repository: string, bytes: number): void {
    if (!this.knows(repository)) this.#repositories.set(repository, bytes)
  }

  /**
   * Answers a request that would store too much.
   *
   * @param total - Bytes that the server would have more.
   * @param own - Bytes that the repository would have more.
   */
  check(repository: string, total: number, own = total): void {
    const { totalBytes = Infinity, repositoryBytes = Infinity } = this.#limits
    if (this.#total + total > totalBytes) throw exceeded(`the registry has its ${totalBytes} bytes`)
    if ((this.#repositories.get(repository) ?? 0) + own > repositoryBytes)
      throw exceeded(`the repository has its ${repositoryBytes} bytes`)
  }

  /** Counts what came or, below 0, what went. */
  count(repository: string | undefined, total: number, own = total): void {
    this.#total += total
    if (repository === undefined) return
    const bytes = this.#repositories.get(repository)
    if (bytes !== undefined) this.#repositories.set(repository, bytes + own)
  }
}

function exceeded(what: string): ApiError {
  return new ApiError(403, 'DENIED', `over the quota: ${what} already, or would have more`)
}
