import type { IncomingMessage, ServerResponse } from 'node:http'
import { errnoOf, isRegistryError } from '../errors.js'
import { ApiError } from './api-error.js'
import type { BasicAuth } from './basic-auth.js'
import { answer, type Exchange } from './exchange.js'
import type { Registry } from './registry.js'
import { route } from './route.js'

/** How requests are served. */
export interface ServeContext {
  readonly registry: Registry
  /** Default: everybody may do everything. */
  readonly auth: BasicAuth | undefined
  /** Told of failures that clients see as status 500 or 507. */
  readonly onError: (error: unknown) => void
}

/** A client that sends on after it was refused has so long to see the answer; so much is read meanwhile. */
const lingerMs = 1000
const lingerBytes = 1024 ** 2

/** Runs one request. Whatever goes wrong becomes an answer, or the end of the connection when one has begun. */
export async function serve({ registry, auth, onError }: ServeContext, exchange: Exchange): Promise<void> {
  const { request, response } = exchange
  response.setHeader('docker-distribution-api-version', 'registry/2.0')
  response.setHeader('x-content-type-options', 'nosniff')
  try {
    await auth?.check(request)
    await route(registry, exchange)
  } catch (error) {
    if (request.socket.destroyed || response.headersSent) {
      response.destroy()
      if (!isHangUp(error)) onError(error)
      return
    }
    const known = error instanceof ApiError ? error : ownFault(error)
    if (known !== error) onError(error)
    if (!request.complete) hangUpAfter(request, response)
    answer(exchange, known.status, { 'content-type': 'application/json', ...known.headers }, known.body)
  }
}

/** What a client is told of a failure of ours: only that the disk is full, which it may wait for. */
function ownFault(error: unknown): ApiError {
  const cause = isRegistryError(error) ? error.cause : error
  const isFull = ['ENOSPC', 'EDQUOT'].includes(errnoOf(cause) ?? '')
  return isFull
    ? new ApiError(507, 'UNKNOWN', 'the registry has no space left on its disk')
    : new ApiError(500, 'UNKNOWN', 'internal error')
}

/** Ends the connection of a client whose body nobody wants, however much of it there is. */
function hangUpAfter(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  response.setHeader('connection', 'close')
  response.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    let left = lingerBytes
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) request.pause() // it has to wait, and can read meanwhile
    })
    socket.once('close', () => clearTimeout(timer))
    request.on('error', () => undefined) // the end that was asked for
  })
}

/** The client went away in the middle: nothing that the registry's owner could do. */
function isHangUp(error: unknown): boolean {
  const code = errnoOf(error) ?? ''
  return (
    ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ABORT_ERR'].includes(
      code,
    ) && !isRegistryError(error)
  )
}
