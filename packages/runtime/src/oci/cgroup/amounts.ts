import { invalidConfig } from '../config/invalid-config.js'
import type { Integer64 } from '../config/json.js'

/**
 * A limit of a config, where -1 is none and 0 is not given. Beyond what a `number` can say exactly, 8 PiB, there is no
 * limit either: kernels write "none" as such a number.
 */
export function limitOf(value: Integer64 | undefined, what: string): number | 'max' | undefined {
  if (value === undefined || value === 0 || value === 0n) return undefined
  if (value === -1 || value === -1n) return 'max'
  if (value < 0)
    throw invalidConfig(`resources.${what} must be -1 for no limit, or more than 0, got ${value}`)
  return largeAs(value)
}

/** As {@link limitOf}, where 0 means 0. */
export function largeAs(value: Integer64): number | 'max' {
  return value > Number.MAX_SAFE_INTEGER ? 'max' : Number(value)
}

/** A number of a config of which 0 is not given. */
export function countOf(value: Integer64 | undefined): number | undefined {
  return value === undefined || value === 0 || value === 0n ? undefined : Number(value)
}
