import { setTimeout as sleep } from 'node:timers/promises'

/** How soon it is seen that somebody has set the clock. */
const lookMs = 1000

/**
 * Waits for a time of the day, of a clock that may be set meanwhile.
 *
 * @param time - Milliseconds since 1970.
 * @returns Resolves then, and at once when `signal` aborts.
 */
export async function whenTime(time: number, signal: AbortSignal): Promise<void> {
  for (let left = time - Date.now(); left > 0 && !signal.aborted; left = time - Date.now())
    await sleep(Math.min(left, lookMs), undefined, { signal }).catch(() => undefined)
}
