import { usageError } from '../errors.js'

const pattern = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i

/**
 * Reads a size as Docker writes it: `64m`, `1g`, `1.5GiB`, `4096`. Units are powers of 1024.
 *
 * @param option - Where it was given, for the error.
 * @returns Whole bytes.
 */
export function parseSize(text: string, option: string): number {
  const [, amount = '', unit = ''] = pattern.exec(text.trim()) ?? []
  const bytes = Math.floor(Number(amount) * 1024 ** ' kmgtp'.indexOf(unit === '' ? ' ' : unit.toLowerCase()))
  if (amount === '' || !Number.isSafeInteger(bytes)) {
    throw usageError(
      `invalid argument "${text}" for ${option}: a size is a number with b, k, m, g, t or p, such as 64m`,
    )
  }
  return bytes
}
