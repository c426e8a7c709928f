import { CgroupError } from '../errors.js'

/** A refusal of an argument, before anything was touched. */
export function invalid(what: string, should: string, got: unknown): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_INVALID_ARG',
    `cannot use ${what}: it must be ${should}, got ${show(got)}`,
  )
}

/** Throws unless `value` is a whole number from `min` to `max`. */
export function checkInteger(
  what: string,
  value: unknown,
  min: number,
  max: number,
  unit = '',
): asserts value is number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return
  const upper = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`
  throw invalid(what, `a whole number${unit && ` of ${unit}`} ${upper}`, value)
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value)
}
