import { Agent, type ClientRequestArgs } from 'node:http'
import { connect, type Socket } from 'node:net'

/** Bytes that are read from a socket at once; Node.js itself takes 64 KiB, with costs of its own for each. */
const readSize = 256 * 1024

/**
 * Kept-alive connections over plain HTTP that are read in large pieces, into memory that is used again: a download
 * takes half the processor time.
 */
export class WideReadsAgent extends Agent {
  // called by Node's `Agent` for every new connection
  override createConnection(options: ClientRequestArgs): Socket {
    let buffer = Buffer.allocUnsafeSlow(readSize)
    const socket: Socket = connect({
      ...(options as { port: number; host?: string }),
      onread: {
        buffer: () => buffer,
        callback: (length, bytes) => {
          const takesMore = socket.push(bytes.subarray(0, length))
          // the parser copies what it takes at once; what waits for it stays as it is
          if (socket.readableLength > 0) buffer = Buffer.allocUnsafeSlow(readSize)
          return takesMore
        },
      },
    })
    return socket
  }
}
