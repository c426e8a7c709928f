import { usageError } from '../errors.js'

const units: Readonly<Record<string, number>> = { '': 1, bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, tbit: 1e12 }

/** Reads a rate as tc(8) writes it, such as `10mbit` or `2.5gbit`, into bits per second. A bare number is bits too. */
export function parseRate(text: string, option: string): number {
  const [, number, unit = ''] = /^([0-9]+(?:\.[0-9]+)?)([a-z]*)$/i.exec(text) ?? []
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined
  if (number === undefined || factor === undefined)
    throw usageError(`invalid argument "${text}" for ${option}: it must be like 500kbit, 10mbit or 1gbit`)
  return Math.round(Number(number) * factor)
}
