import { usageError } from '../usage-error.js'

/** What a whole number may be. */
export interface IntegerRange {
  readonly min: number
  readonly max?: number
}

/**
 * Reads a whole number in decimal digits.
 *
 * @param option - Name of the option, for the error.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: no number, or outside of the range.
 */
export function parseInteger(
  option: string,
  text: string,
  { min, max = Number.MAX_SAFE_INTEGER }: IntegerRange,
): number {
  const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw usageError(`invalid value for ${option}: must be a whole number from ${min} to ${max}, got ${text}`)
}

/** A whole number of 64 bits; one that no `number` holds exactly comes as a `bigint`. */
export function parseInteger64(
  option: string,
  text: string,
  { signed }: { readonly signed: boolean },
): number | bigint {
  if (/^[+-]?\d{1,20}$/.test(text)) {
    const value = BigInt(text.replace(/^\+/, ''))
    if (value === (signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value))) {
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    }
  }
  throw usageError(
    `invalid value for ${option}: must be a whole number of 64 bits${signed ? '' : ', not negative'}, got ${text}`,
  )
}
