import { setTimeout as sleep } from 'node:timers/promises'
import { nextDelay } from './restart-policy.js'

/** The restart that a container waits for, by its policy: later each time that it has ended soon. */
export class Restarts {
  #waiting: AbortController | undefined
  #delayMs = 0

  /** Whether one is to come. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined
  }

  /** Somebody has started it: the delays begin anew. */
  reset(): void {
    this.#delayMs = 0
  }

  /** Does `restart` after a while, unless {@link cancel} comes first. */
  later(ranMs: number, restart: () => Promise<void>): void {
    this.#delayMs = nextDelay(this.#delayMs, ranMs)
    const cancel = new AbortController()
    this.#waiting = cancel
    sleep(this.#delayMs, undefined, { signal: cancel.signal }).then(
      async () => {
        this.#waiting = undefined
        await restart()
      },
      () => undefined,
    )
  }

  /** Somebody stops, starts or removes it. */
  cancel(): void {
    this.#waiting?.abort()
    this.#waiting = undefined
  }
}
