import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ClientStreams } from '../streams/attach.js'
import { AfterHead } from './after-head.js'
import { upgradedSocket } from './upgrade.js'

/**
 * Takes a connection over for streams: with `101 UPGRADED` where the client asked for it, else as a body of `200 OK` that
 * ends with the connection, whose other direction is the request's body.
 */
export function hijack(request: FastifyRequest, reply: FastifyReply, type: string): ClientStreams {
  reply.hijack()
  const upgraded = upgradedSocket(request.raw)
  if (upgraded === undefined) {
    reply.raw.writeHead(200, { 'Content-Type': type, Connection: 'close' })
    reply.raw.flushHeaders()
    return { readable: request.raw, writable: reply.raw }
  }
  reply.raw.detachSocket(upgraded)
  // after our end nobody reads what the client still sends, but its end is to be seen, or the connection stays
  upgraded.on('finish', () => upgraded.resume())
  upgraded.write(
    `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
  )
  return { readable: upgraded, writable: new AfterHead(upgraded) }
}
