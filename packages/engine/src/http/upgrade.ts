import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { limits } from './limits.js'
import type { BodyBounds } from './read-body.js'
import { dropRest } from './upload.js'

const sockets = new WeakMap<IncomingMessage, Socket>()
/** Bodies of requests that Node takes for ended with their headers. */
const bodies = new WeakMap<IncomingMessage, Buffer>()

/** How long a connection may take what was sent to it before we end. */
const longestFlushMs = 1000

/** The connection of a request with `Upgrade: tcp` or `websocket`, which the route may take over; undefined for all others. */
export function upgradedSocket(request: IncomingMessage): Socket | undefined {
  return sockets.get(request)
}

/**
 * Lets requests that ask for an upgrade go through the routes as all others: Node hands them over without parsing on, so
 * the body, of which it has read none, is read here, and what follows it stays in the connection.
 */
export function routeUpgrades(
  app: FastifyInstance,
  { bytes = limits.bodyBytes, ms = limits.bodyMs }: BodyBounds = {},
): void {
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const body = bodies.get(request.raw)
    done(null, body === undefined ? payload : Readable.from([body], { objectMode: false }))
  })
  const open = new Set<Socket>()
  // the server itself knows them no more, and would wait for their ends
  app.addHook('preClose', (done) => {
    for (const socket of open) endSoon(socket)
    done()
  })
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    if (head.length > 0) socket.unshift(head)
    const late = setTimeout(() => socket.destroy(), ms)
    readBody(request, socket, bytes).then(
      (body) => {
        clearTimeout(late)
        bodies.set(request, body)
        if (isTakenOver(request)) sockets.set(request, socket)
        const response = new ServerResponse(request)
        response.shouldKeepAlive = false
        response.assignSocket(socket)
        response.on('finish', () => {
          socket.end()
          dropRest(socket) // or the client's end is not seen
        })
        app.routing(request, response)
      },
      () => {
        clearTimeout(late)
        socket.destroy()
      },
    )
  })
}

function endSoon(socket: Socket): void {
  socket.destroySoon()
  setTimeout(() => socket.destroy(), longestFlushMs).unref()
}

function isTakenOver({ headers }: IncomingMessage): boolean {
  return ['tcp', 'websocket'].includes(headers.upgrade?.toLowerCase() ?? '')
}

/** The body of a length, or the first chunk of one in chunks: clients that go on writing never send the last one. */
async function readBody(request: IncomingMessage, socket: Socket, most: number): Promise<Buffer> {
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > most) throw new Error('the body is too large')
  if (length > 0) return await readExactly(socket, length)
  const isChunked = request.headers['transfer-encoding']?.toLowerCase() === 'chunked'
  // who attaches sends no body, and what comes is input
  if (!isChunked || !/\/exec\/[^/]+\/start(\?|$)/.test(request.url ?? '')) return Buffer.alloc(0)
  const size = Number.parseInt(await readLine(socket), 16)
  if (!(size >= 0 && size <= most)) throw new Error('the chunk is malformed')
  const body = await readExactly(socket, size)
  await readLine(socket)
  request.headers['content-length'] = String(size)
  delete request.headers['transfer-encoding']
  return body
}

async function readLine(socket: Socket): Promise<string> {
  let line = ''
  while (!line.endsWith('\r\n')) {
    if (line.length > 64) throw new Error('the chunk is malformed')
    line += (await readExactly(socket, 1)).toString('latin1')
  }
  return line
}

/** Takes whatever has come and gives back what is too much: a wait for `readable` ends at once while something is left. */
async function readExactly(socket: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let missing = length
  while (missing > 0) {
    const more = socket.read() as Buffer | null
    if (more !== null) {
      chunks.push(more)
      missing -= more.length
    } else if (socket.destroyed || socket.readableEnded) throw new Error('the connection was closed')
    else await nextEvent(socket)
  }
  const bytes = Buffer.concat(chunks)
  if (missing < 0) socket.unshift(bytes.subarray(length))
  return bytes.subarray(0, length)
}

async function nextEvent(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('readable', done).off('end', done).off('close', done)
      resolve()
    }
    socket.on('readable', done).on('end', done).on('close', done)
  })
}
