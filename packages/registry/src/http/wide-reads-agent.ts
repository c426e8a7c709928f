import { Agent, type ClientRequestArgs, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { PieceQueue } from './piece-queue.js'

/** Bytes that are read from a socket at once; Node.js itself takes 64 KiB, with costs of its own for each. */
const readSize = 256 * 1024

/** Takes what comes over a connection, in place of its parser. */
interface Taker {
  readonly room: Uint8Array
  /** False to stop reading. */
  take(bytes: Uint8Array): boolean
}

interface Connection {
  taker: Taker | undefined
}

const connections = new WeakMap<Socket, Connection>()

/**
 * Kept-alive connections over plain HTTP that are read in large pieces, into memory that is used again: a download
 * takes half the processor time.
 */
export class WideReadsAgent extends Agent {
  // called by Node's `Agent` for every new connection
  override createConnection(options: ClientRequestArgs): Socket {
    let buffer = Buffer.allocUnsafeSlow(readSize)
    const connection: Connection = { taker: undefined }
    const socket: Socket = connect({
      ...(options as { port: number; host?: string }),
      onread: {
        buffer: () => connection.taker?.room ?? buffer,
        callback: (length, bytes) => {
          const read = bytes.subarray(0, length)
          if (connection.taker !== undefined) return connection.taker.take(read)
          const takesMore = socket.push(read)
          // the parser copies what it takes at once; what waits for it stays as it is
          if (socket.readableLength > 0) buffer = Buffer.allocUnsafeSlow(readSize)
          return takesMore
        },
      },
    })
    connections.set(socket, connection)
    return socket
  }
}

/**
 * Takes the rest of an answer's body from its connection directly: the parser would copy each byte into new memory. The
 * connection is of no use afterwards, and is closed.
 *
 * @param length - Bytes of the body; none of them has been read by anybody yet.
 * @param onBytes - Told whenever some have come.
 * @returns Undefined when the connection is not of a {@link WideReadsAgent}, or has broken.
 */
export function bodyFromSocket(
  incoming: IncomingMessage,
  length: number,
  onBytes: () => void,
): PieceQueue | undefined {
  const { socket } = incoming
  const connection = connections.get(socket)
  // what the parser has not seen yet is in order only behind what it has
  if (connection === undefined || incoming.complete || socket.readableLength > 0) return undefined
  if (incoming.destroyed) return undefined // nobody would be told of its end any more
  const queue = new PieceQueue()
  let left = length
  const take = (bytes: Uint8Array): boolean => {
    queue.take(left < bytes.length ? bytes.subarray(0, left) : bytes)
    left -= Math.min(left, bytes.length)
    onBytes()
    if (left > 0) return !queue.isFull
    queue.end()
    incoming.destroy()
    return false
  }
  incoming.on('error', (error) => queue.end({ error }))
  incoming.on('close', () => queue.end({ error: new Error('the connection broke') }))
  queue.onRoom = () => {
    if (left > 0 && !socket.destroyed) socket.resume()
  }
  for (let parsed: Buffer | null; (parsed = incoming.read() as Buffer | null) !== null;) take(parsed)
  connection.taker = {
    get room() {
      return queue.room
    },
    take,
  }
  if (left > 0) socket.resume()
  return queue
}
