/**
 * Keeps news until somebody asks for them, and gives them one by one. News that say the same become one, so that what
 * waits here has a bound, however fast somebody makes news and slowly somebody reads them.
 */
export class Stream<T> implements AsyncIterableIterator<T> {
  readonly #waitingNews = new Map<string, T>()
  readonly #merge: (older: T, newer: T) => T
  readonly #release: () => void
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #readers: (() => void)[] = []

  /**
   * @param merge - What two news of one kind come to.
   * @param release - Called once, at the end.
   */
  constructor(merge: (older: T, newer: T) => T, release: () => void) {
    this.#merge = merge
    this.#release = release
  }

  /** News of a kind. After the end they are dropped. */
  push(kind: string, news: T): void {
    if (this.#isOver) return
    const older = this.#waitingNews.get(kind)
    this.#waitingNews.set(kind, older === undefined ? news : this.#merge(older, news))
    this.#wake()
  }

  /** No more news; those that wait are still given. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#release()
    this.#wake()
  }

  /** As {@link end}, after which the reader sees the error. */
  fail(error: unknown): void {
    if (this.#isOver) return
    this.#failure = { error }
    this.end()
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const [first] = this.#waitingNews
      if (first !== undefined) {
        this.#waitingNews.delete(first[0])
        return { done: false, value: first[1] }
      }
      if (this.#failure) {
        const { error } = this.#failure
        this.#failure = undefined
        throw error
      }
      if (this.#isOver) return { done: true, value: undefined }
      await new Promise<void>((resolve) => this.#readers.push(resolve))
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#waitingNews.clear()
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #wake(): void {
    for (const resolve of this.#readers.splice(0)) resolve()
  }
}

/** Ends a stream when a signal aborts; call the result when it ended otherwise. */
export function endOnAbort(signal: AbortSignal | undefined, end: () => void): () => void {
  signal?.addEventListener('abort', end, { once: true })
  return () => signal?.removeEventListener('abort', end)
}
