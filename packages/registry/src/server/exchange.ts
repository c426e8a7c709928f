import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** One request and its answer, with what the handlers share. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  /** The path as it came: nothing decoded, nothing resolved. */
  readonly path: string
  readonly query: URLSearchParams
  /** The client sends its body only when it is told to (`Expect: 100-continue`). */
  readonly awaitsContinue: boolean
}

/** Takes a request apart. */
export function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  awaitsContinue: boolean,
): Exchange {
  const { url = '', method = 'GET' } = request
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark))
  return { request, response, method, path, query, awaitsContinue }
}

/** Ends an answer that has no body or a small one. */
export function answer(
  { response, method }: Exchange,
  status: number,
  headers: OutgoingHttpHeaders = {},
  body: string | Buffer = '',
): void {
  const length = status === 204 || status === 304 ? {} : { 'content-length': Buffer.byteLength(body) }
  response.writeHead(status, { ...length, ...headers })
  response.end(method === 'HEAD' ? undefined : body)
}

/** Ends an answer with a JSON body. */
export function answerJson(exchange: Exchange, value: object, headers: OutgoingHttpHeaders = {}): void {
  answer(exchange, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
}

/** True, and answered, when the client has this content already (`If-None-Match`, RFC 9110, 13.1.2). */
export function answeredUnmodified(exchange: Exchange, digest: string): boolean {
  const given = exchange.request.headers['if-none-match'] ?? ''
  const isSame = given.split(',').some((tag) => tag.trim().replace(/^W\//, '') === `"${digest}"`)
  if (isSame) answer(exchange, 304, { etag: `"${digest}"`, 'docker-content-digest': digest })
  return isSame
}

/** A request's body. When its reader stops early the connection stays, so that an answer can still be sent. */
export function bodyOf({ request, response, awaitsContinue }: Exchange): AsyncIterable<Buffer> {
  if (awaitsContinue) response.writeContinue()
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
}
