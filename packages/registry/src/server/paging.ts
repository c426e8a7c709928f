import type { OutgoingHttpHeaders } from 'node:http'
import { ApiError } from './api-error.js'
import type { Exchange } from './exchange.js'

/** A part of a list, and what leads to the next one. */
export interface Page {
  readonly names: readonly string[]
  readonly headers: OutgoingHttpHeaders
}

/** `n` and `last` of a paged list, applied to sorted names; `Link` leads to the next page. */
export function page(exchange: Exchange, names: readonly string[]): Page {
  const last = exchange.query.get('last')
  const n = exchange.query.get('n')
  if (n !== null && !/^\d{1,9}$/.test(n)) throw new ApiError(400, 'UNSUPPORTED', 'n must be a number')
  const rest = last === null ? names : names.filter((name) => name > last)
  const count = n === null ? rest.length : Number(n)
  const shown = rest.slice(0, count)
  if (shown.length === rest.length || shown.length === 0) return { names: shown, headers: {} }
  return { names: shown, headers: linkToNext(exchange, { n: String(count), last: shown.at(-1)! }) }
}

/** A `Link` header (RFC 8288) to the same list from somewhere else on. */
export function linkToNext({ path, query }: Exchange, changed: Record<string, string>): OutgoingHttpHeaders {
  const next = new URLSearchParams(query)
  for (const [key, value] of Object.entries(changed)) next.set(key, value)
  return { link: `<${path}?${next.toString()}>; rel="next"` }
}
