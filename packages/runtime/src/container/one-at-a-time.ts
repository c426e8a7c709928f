/** Work on containers of which there must not be two at once for the same container. */
export class OneAtATime {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Does the work once all that was asked for before is done, well or not. */
  async run<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id)
    const now = before === undefined ? work() : before.then(work, work)
    this.#last.set(id, now)
    try {
      return await now
    } finally {
      if (this.#last.get(id) === now) this.#last.delete(id)
    }
  }
}
