/**
 * Lets work on different keys run side by side, work on one key one after the other, and some work alone: what CNI asks
 * of runtimes for containers and for `GC`.
 */
export class Turns {
  readonly #tails = new Map<string, Promise<unknown>>()
  #alone: Promise<unknown> = Promise.resolve()

  /** Runs when all earlier work on the key is done. */
  async after<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    return await this.#queue(key, [this.#alone, this.#tails.get(key) ?? this.#alone], work)
  }

  /** Runs when all earlier work is done, and holds all later work up. */
  async alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const earlier = [this.#alone, ...this.#tails.values()]
    const done = Promise.allSettled(earlier).then(work)
    this.#alone = done.catch(() => undefined)
    return await done
  }

  async #queue<Result>(
    key: string,
    earlier: readonly Promise<unknown>[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const done = Promise.allSettled(earlier).then(work)
    const tail = done.catch(() => undefined)
    this.#tails.set(key, tail)
    try {
      return await done
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
  }
}
