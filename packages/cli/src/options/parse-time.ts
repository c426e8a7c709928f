import { usageError } from '../errors.js'
import { parseDuration } from './parse-duration.js'

/** RFC 3339, of which the zone and smaller parts may be left out: they are of this machine's zone then. */
const date = /^\d{4}-\d{2}-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2})?)?(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?)?$/

/**
 * Reads a time as Docker takes it: seconds since 1970, a date, or how long ago.
 *
 * @param option - Where it was given, for the error.
 * @returns Seconds since 1970, with what there is behind the point.
 */
export function parseTime(text: string, option: string): string {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return text
  if (!date.test(text)) return seconds(Date.now() - parseDuration(text, option))
  // Date.parse() takes a date alone for one of UTC, and knows no hours without minutes
  const local = text.includes('T') ? text.replace(/(T\d{2})(?=$|Z|[+-])/, '$1:00') : `${text}T00:00`
  const [, fraction = ''] = /\.(\d{1,9})/.exec(local) ?? []
  const time = Date.parse(local.replace(/\.\d+/, ''))
  if (Number.isNaN(time))
    throw usageError(`invalid argument "${text}" for ${option}: there is no such day or time`)
  return fraction === '' ? seconds(time) : `${Math.floor(time / 1000)}.${fraction}`
}

function seconds(milliseconds: number): string {
  return (Math.max(0, milliseconds) / 1000).toFixed(3)
}
