import { badRequest } from '../errors.js'
import type { Filters } from './query.js'

/** Milliseconds since 1970 before which things must have been made, by the filter `until`: a time, or how long ago. */
export function untilOf(filters: Filters): number {
  const [text] = filters.get('until')
  if (text === undefined) return Number.POSITIVE_INFINITY
  const units = { s: 1000, m: 60_000, h: 3_600_000 } as const
  if (/^(\d+[smh])+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+)([smh])/g)]
    return (
      Date.now() -
      parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as 's' | 'm' | 'h'], 0)
    )
  }
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(time)) throw badRequest(`invalid filter 'until=${text}'`)
  return time
}
