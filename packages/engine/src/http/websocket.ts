import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError, badRequest } from '../errors.js'
import type { ClientStreams } from '../streams/attach.js'
import { limits } from './limits.js'
import { upgradedSocket } from './upgrade.js'

/**
 * Takes a connection over as a websocket (RFC 6455): output goes in binary frames, and input may come in any. Resolves
 * when the client has its answer.
 *
 * @throws `ApiError` 400: the request asks for none. 403: it comes from a page of another host, in a browser that may
 *   have the certificate of whoever looks at it.
 */
export async function acceptWebsocket(request: FastifyRequest, reply: FastifyReply): Promise<ClientStreams> {
  const socket = upgradedSocket(request.raw)
  if (socket === undefined || request.headers.upgrade?.toLowerCase() !== 'websocket')
    throw badRequest('this is for websockets only: Upgrade: websocket is needed')
  const { origin, host } = request.headers
  if (origin !== undefined && !isOf(origin, host))
    throw new ApiError(403, `websockets are not for pages of ${origin}`)
  const { createWebSocketStream, WebSocketServer } = await import('ws') // most daemons are never asked for one
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.websocketFrameBytes,
    skipUTF8Validation: true,
  })
  reply.hijack()
  reply.raw.detachSocket(socket)
  return await new Promise((resolve) => {
    // what is no handshake is refused by the server itself
    server.handleUpgrade(request.raw, socket, Buffer.alloc(0), (client) => {
      const stream = createWebSocketStream(client)
      resolve({ readable: stream, writable: stream })
    })
  })
}

function isOf(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host
}
