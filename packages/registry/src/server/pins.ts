/**
 * Keeps a garbage collection away from content that is in use. Requests that make something refer to content
 * run in {@link Pins.keep}; a collection removes only by {@link Pins.remove}. So a collection may run beside any
 * number of pushes: what is in use when it begins, or comes into use before its end, stays.
 */
export class Pins {
  readonly #inUse = new Map<string, number>()
  readonly #removals = new Map<string, Promise<unknown>>()
  /** What was in use at any time of the collection that runs. */
  #kept: Set<string> | undefined

  /** Runs work during which these contents are not removed. They may be missing: look for them in `work`. */
  async keep<T>(digests: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const digest of digests) {
      this.#inUse.set(digest, (this.#inUse.get(digest) ?? 0) + 1)
      this.#kept?.add(digest)
    }
    try {
      for (const digest of digests) await this.#removals.get(digest)
      return await work()
    } finally {
      for (const digest of digests) {
        const users = this.#inUse.get(digest)! - 1
        if (users === 0) this.#inUse.delete(digest)
        else this.#inUse.set(digest, users)
      }
    }
  }

  /** Runs a collection, one at a time. */
  async collect<T>(work: () => Promise<T>): Promise<T> {
    this.#kept = new Set(this.#inUse.keys())
    try {
      return await work()
    } finally {
      this.#kept = undefined
    }
  }

  /** Removes something of a digest, unless it is in use. Whoever comes to use it meanwhile waits. */
  async remove<T>(digest: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#kept?.has(digest) !== false) return undefined
    const removal = work()
    this.#removals.set(
      digest,
      removal.catch(() => undefined), // told to the collection, not to those who wait
    )
    try {
      return await removal
    } finally {
      this.#removals.delete(digest)
    }
  }
}
