import { usageError } from '../usage-error.js'

const powers: ReadonlyMap<string, number> = new Map(['', 'k', 'm', 'g', 't', 'p'].map((unit, n) => [unit, n]))

/**
 * Reads a size in bytes: `1048576`, `1m`, `1.5GiB` (powers of 1024), or `-1` for no limit.
 *
 * @param option - Name of the option, for the error.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: something else.
 */
export function parseSize(option: string, text: string): number {
  if (text === '-1') return -1
  const [, digits, unit] = /^(\d{1,16}(?:\.\d{1,9})?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? []
  const bytes =
    digits === undefined ? Number.NaN : Math.trunc(Number(digits) * 1024 ** powers.get(unit!.toLowerCase())!)
  if (Number.isSafeInteger(bytes)) return bytes
  throw usageError(`invalid value for ${option}: must be a size such as 1048576 or 1m, or -1, got ${text}`)
}
