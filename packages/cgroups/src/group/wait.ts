import { setTimeout as sleep } from 'node:timers/promises'

/** Bounds of a wait for the kernel. */
export interface WaitOptions {
  /** How long at most, in milliseconds. */
  readonly timeoutMs?: number | undefined
  /** Ends the wait with Node's `AbortError`. What was begun is not undone unless said otherwise. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks `done` until it says `true`: at once, then after pauses of 1, 2, 4 ... 32 ms. The first question costs no
 * turn of the event loop.
 *
 * @returns False when the time was over first.
 */
export async function until(done: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  // rejects at once, with Node's AbortError
  if (signal?.aborted) await sleep(0, undefined, { signal })
  if (done()) return true
  const deadline = performance.now() + timeoutMs
  for (let pause = 1; performance.now() < deadline; pause = Math.min(pause * 2, 32)) {
    await sleep(pause, undefined, signal ? { signal } : {})
    if (done()) return true
  }
  return false
}
