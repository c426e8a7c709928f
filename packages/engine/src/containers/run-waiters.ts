/** How a run of a container has ended. */
export interface RunResult {
  readonly exitCode: number
}

/** Those who wait for the beginning or the end of a run, or for the container's removal, each until its signal aborts. */
export class RunWaiters {
  readonly #ofStart = new Waiters<void>()
  readonly #ofEnd = new Waiters<RunResult>()
  readonly #ofRemoval = new Waiters<RunResult>()

  /** Resolves when the next run has begun, or the container is no more. */
  nextStart(signal: AbortSignal): Promise<void> {
    return this.#ofStart.next(signal)
  }

  /** Resolves at the next end of a run. */
  nextEnd(signal: AbortSignal): Promise<RunResult> {
    return this.#ofEnd.next(signal)
  }

  /** Resolves when the container is no more. */
  removal(signal: AbortSignal): Promise<RunResult> {
    return this.#ofRemoval.next(signal)
  }

  /** How many wait. */
  get size(): number {
    return this.#ofStart.size + this.#ofEnd.size + this.#ofRemoval.size
  }

  started(): void {
    this.#ofStart.resolve()
  }

  ended(result: RunResult): void {
    this.#ofEnd.resolve(result)
  }

  removed(result: RunResult): void {
    this.started()
    this.ended(result)
    this.#ofRemoval.resolve(result)
  }
}

/** Those who wait for one thing. Whoever leaves is forgotten: a container may run for years. */
class Waiters<Value> {
  readonly #all = new Set<(value: Value) => void>()

  get size(): number {
    return this.#all.size
  }

  /** @throws The signal's reason, when it aborts first. */
  next(signal: AbortSignal): Promise<Value> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const leave = (): void => {
        this.#all.delete(waiter)
        reject(signal.reason as Error)
      }
      const waiter = (value: Value): void => {
        signal.removeEventListener('abort', leave)
        resolve(value)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#all.add(waiter)
    })
  }

  resolve(value: Value): void {
    const all = [...this.#all]
    this.#all.clear()
    for (const waiter of all) waiter(value)
  }
}
