import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { ApiError } from './api-error.js'

/** One request and its answer, with what the handlers share. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  /** The path as it came: nothing decoded, nothing resolved. */
  readonly path: string
  readonly query: URLSearchParams
}

/** Ends an answer that has no body or a small one. */
export function answer(
  { response, method }: Exchange,
  status: number,
  headers: OutgoingHttpHeaders = {},
  body = '',
): void {
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }
  response.writeHead(status, { ...length, ...headers })
  response.end(method === 'HEAD' ? undefined : body)
}

/** Ends an answer with a JSON body. */
export function answerJson(exchange: Exchange, value: object, headers: OutgoingHttpHeaders = {}): void {
  answer(exchange, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
}

/** A request's body. When its reader stops early the connection stays, so that an answer can still be sent. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
}

/** Reads a request's small body. */
export async function readRequest({ request }: Exchange, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of bodyOf(request)) {
    length += chunk.length
    if (length > limit) throw new ApiError(413, 'SIZE_INVALID', `at most ${limit} bytes are accepted`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** `n` and `last` of a paged list, applied to sorted names; `Link` leads to the next page. */
export function page(
  { path, query }: Exchange,
  names: readonly string[],
): { readonly names: readonly string[]; readonly headers: OutgoingHttpHeaders } {
  const last = query.get('last')
  const n = query.get('n')
  if (n !== null && !/^\d{1,9}$/.test(n))
    throw new ApiError(400, 'PAGINATION_NUMBER_INVALID', 'n must be a number')
  const rest = last === null ? names : names.filter((name) => name > last)
  const count = n === null ? rest.length : Number(n)
  const shown = rest.slice(0, count)
  if (shown.length === rest.length || shown.length === 0) return { names: shown, headers: {} }
  const next = new URLSearchParams({ n: String(count), last: shown.at(-1)! })
  return { names: shown, headers: { link: `<${path}?${next.toString()}>; rel="next"` } }
}
