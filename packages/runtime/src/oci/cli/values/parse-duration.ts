import { usageError } from '../usage-error.js'

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** The longest that a timer waits. */
const longest = 2 ** 31 - 1

/**
 * Reads a time as Go writes it: `5s`, `100ms`, `1m30s`.
 *
 * @param option - Name of the option, for the error.
 * @returns Milliseconds, at least 1.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: something else, nothing, or more than 24 days.
 */
export function parseDuration(option: string, text: string): number {
  const known = text.length <= 64 && /^(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|ms|s|m|h))+$/.test(text)
  let total = known ? 0 : Number.NaN
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)([a-z\u00b5]+)/g))
    total += Number(digits) * milliseconds[unit!]!
  if (total > 0 && total <= longest) return Math.max(1, Math.round(total))
  throw usageError(
    `invalid value for ${option}: must be a time such as 5s or 100ms, more than 0, got ${text}`,
  )
}
