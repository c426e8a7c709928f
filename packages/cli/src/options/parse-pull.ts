import { usageError } from '../errors.js'

/** Checks `--pull`. */
export function checkPull(text: string): void {
  if (!['always', 'missing', 'never'].includes(text))
    throw usageError(`invalid pull option: '${text}': must be one of "always", "missing" or "never"`)
}
