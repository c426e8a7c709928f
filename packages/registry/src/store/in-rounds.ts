import { setTimeout as sleep } from 'node:timers/promises'
import { RegistryError } from '../errors.js'

/** A pull whose blobs another process removes at the same time is begun again this often. */
const maxRounds = 20

/** It waits at random up to this long, times the round, so that those who remove come to their end. Milliseconds. */
const roundDelayMs = 10

/** Repeats work that another process undid meanwhile, which it tells by `undefined`. */
export async function inRounds<T>(
  what: string,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  for (let round = 1; round <= maxRounds; round++) {
    const result = await attempt()
    if (result !== undefined) return result
    await sleep(Math.random() * roundDelayMs * round, undefined, signal && { signal })
  }
  throw removedMeanwhile(what, ` ${maxRounds} times`)
}

/** An error about blobs that another process took away before they had a name. */
export function removedMeanwhile(what: string, often = ''): RegistryError {
  return new RegistryError('ERR_REGISTRY_STORE', `cannot ${what}: its blobs were removed${often} meanwhile`)
}
