import { setTimeout as sleep } from 'node:timers/promises'
import { errnoOf, isRegistryError, type RegistryError } from '../errors.js'
import { abortError } from '../abort.js'

/** Failures of the moment: worth another attempt. */
const transientStatuses = new Set([408, 429, 500, 502, 503, 504])
/** Failures that another attempt does not cure soon. */
const finalErrnos = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EACCES', 'EHOSTUNREACH', 'ENETUNREACH'])

/** How failed requests are repeated. */
export interface RetryOptions {
  /** How often a request is repeated after a failure of the moment. Default 4; 0 to 20. */
  readonly retries?: number | undefined
  /** First pause before a repetition, in milliseconds; doubled each time up to 15 s, with jitter. Default 250. */
  readonly retryDelayMs?: number | undefined
  /** Longest `Retry-After` that is waited for, in milliseconds; longer is an error at once. Default 60,000. */
  readonly maxRetryAfterMs?: number | undefined
}

/**
 * Runs `attempt` until it succeeds, its failure is final, or the retries are used up.
 *
 * @param onFailure - Told of each failure that is followed by another attempt. What it returns is a new
 *   number of retries used: a download that got further may start counting again.
 */
export async function withRetries<T>(
  { retries = 4, retryDelayMs = 250, maxRetryAfterMs = 60_000 }: RetryOptions,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
  onFailure: (error: RegistryError, used: number) => number = (_, used) => used,
): Promise<T> {
  for (let used = 0; ; used++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isRegistryError(error) || !isTransient(error)) throw error
      used = onFailure(error, used)
      const wait = error.retryAfterMs ?? backOff(retryDelayMs, used)
      if (used >= retries || wait > maxRetryAfterMs) throw error
      await pause(wait, signal)
    }
  }
}

/** True when the same request may well succeed a moment later. */
export function isTransient(error: RegistryError): boolean {
  if (error.status !== undefined) return transientStatuses.has(error.status)
  if (error.code === 'ERR_REGISTRY_TIMEOUT') return true
  if (error.code !== 'ERR_REGISTRY_CONNECTION') return false
  const errno = errnoOf(error.cause) ?? ''
  return !finalErrnos.has(errno) && !/CERT|SSL|TLS|ALTNAME|SIGNATURE|INVALID/.test(errno)
}

function backOff(firstMs: number, used: number): number {
  return Math.min(firstMs * 2 ** used, 15_000) * (0.5 + Math.random() / 2)
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted === true ? abortError(signal) : error
  }
}
