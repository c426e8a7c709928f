import { CgroupError } from '../errors.js'
import { wholeNumber } from './whole-number.js'

/**
 * Reads a file that holds one number. Pure.
 *
 * @param text - The file.
 * @param path - Its name, for the error.
 * @throws {@link CgroupError} `ERR_CGROUP_PARSE`: it holds something else.
 */
export function parseAmount(text: string, path: string): number {
  const value = wholeNumber(text, 0, text.endsWith('\n') ? text.length - 1 : text.length)
  if (!Number.isNaN(value)) return value
  const word = text.trim()
  throw new CgroupError(
    'ERR_CGROUP_PARSE',
    `cannot read ${path}: one number was expected, got ${JSON.stringify(word.slice(0, 80))}`,
    {
      path,
    },
  )
}

/**
 * Reads a limit: `max`, v1's -1, and v1's largest number (2^63 less one page) are all `'max'`. Pure; otherwise as
 * {@link parseAmount}.
 */
export function parseLimit(text: string, path: string): number | 'max' {
  if (text.startsWith('max') || text.startsWith('-1')) {
    const word = text.trim()
    if (word === 'max' || word === '-1') return 'max'
  }
  const amount = parseAmount(text, path)
  return amount > Number.MAX_SAFE_INTEGER ? 'max' : amount
}
