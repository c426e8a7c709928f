import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { isAnswerTo, writeQuery, type Query } from './message.js'

const port = 53

/** How to ask a server of names. */
export interface Exchange {
  readonly server: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Asks a server once. Rejects when it does not answer in time, or cannot be reached. */
export async function exchange(query: Query, tcp: boolean, options: Exchange): Promise<Buffer> {
  // whoever would answer in the server's place has to guess this and the port that the kernel picks
  const id = crypto.getRandomValues(new Uint16Array(1))[0]!
  return (tcp ? exchangeTcp : exchangeUdp)(query, id, options)
}

function exchangeUdp(query: Query, id: number, { server, timeoutMs, signal }: Exchange): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.split('%')[0]!) ? 'udp6' : 'udp4')
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket
        .removeAllListeners()
        .on('error', () => undefined)
        .close()
      settle()
    }
    const fail = (error: Error): void => end(() => reject(error))
    const abort = (): void => fail(new Error('the server was closed'))
    const timer = setTimeout(() => fail(new Error(`${server} does not answer`)), timeoutMs)
    signal.addEventListener('abort', abort)
    socket.on('error', fail)
    // connected, the kernel hands us nothing that others send
    socket.connect(port, server, () => {
      socket.on('message', (bytes) => {
        if (isAnswerTo(bytes, query, id)) end(() => resolve(bytes))
      })
      socket.send(writeQuery(query, id))
    })
  })
}

function exchangeTcp(query: Query, id: number, { server, timeoutMs, signal }: Exchange): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server, port, signal })
    const timer = setTimeout(() => socket.destroy(new Error(`${server} does not answer`)), timeoutMs)
    const read = new MessageReader()
    socket.on('data', (chunk: Buffer) => {
      for (const bytes of read.push(chunk)) {
        if (isAnswerTo(bytes, query, id)) resolve(bytes)
        socket.destroy(new Error(`${server} answers something else`))
      }
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new Error(`${server} answers nothing`))
    })
    socket.write(lengthPrefixed(writeQuery(query, id)))
  })
}

/** A message as it is sent by TCP (RFC 1035, 4.2.2). */
export function lengthPrefixed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Takes messages out of a TCP stream. It holds at most one that is not whole, which is less than 64 KiB. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0)

  /** Messages that are whole now. */
  push(chunk: Buffer): Buffer[] {
    const whole: Buffer[] = []
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      whole.push(rest.subarray(2, end))
      rest = rest.subarray(end)
    }
    this.#rest = rest
    return whole
  }
}
