import { usageError } from '../errors.js'

/** Reads a number that is not negative, such as `0.5`. */
export function parseAmount(text: string, option: string): number {
  if (!/^\d+(\.\d+)?$|^\.\d+$/.test(text))
    throw usageError(`invalid argument "${text}" for ${option}: a number is needed`)
  return Number(text)
}

/** Reads a whole number; a minus sign is allowed, as `-1` often stands for no limit. */
export function parseInteger(text: string, option: string): number {
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw usageError(`invalid argument "${text}" for ${option}: a whole number is needed`)
  }
  return value
}
