/** How a run of a container has ended. */
export interface RunResult {
  readonly exitCode: number
}

/** Those who wait for the beginning or the end of a run, or for the container's removal. */
export class RunWaiters {
  #ofStart: (() => void)[] = []
  #ofEnd: ((result: RunResult) => void)[] = []
  #ofRemoval: ((result: RunResult) => void)[] = []

  /** Resolves when the next run has begun, or the container is no more. */
  nextStart(): Promise<void> {
    return new Promise((resolve) => this.#ofStart.push(resolve))
  }

  /** Resolves at the next end of a run. */
  nextEnd(): Promise<RunResult> {
    return new Promise((resolve) => this.#ofEnd.push(resolve))
  }

  /** Resolves when the container is no more. */
  removal(): Promise<RunResult> {
    return new Promise((resolve) => this.#ofRemoval.push(resolve))
  }

  started(): void {
    for (const resolve of this.#ofStart.splice(0)) resolve()
  }

  ended(result: RunResult): void {
    for (const resolve of this.#ofEnd.splice(0)) resolve(result)
  }

  removed(result: RunResult): void {
    this.started()
    this.ended(result)
    for (const resolve of this.#ofRemoval.splice(0)) resolve(result)
  }
}
