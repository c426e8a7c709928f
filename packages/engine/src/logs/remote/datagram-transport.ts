import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectUnix, Fd, isSyscallError, MSG_NOSIGNAL, send, SOCK_DGRAM, SOCK_NONBLOCK } from '@ctr/linux'
import type { Transport } from './remote-sink.js'

/** Messages over UDP, one in a datagram. Nobody tells whether they arrive. */
export class UdpTransport implements Transport {
  readonly #host: string
  readonly #port: number
  #socket: Socket | undefined

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.#host = host
    this.#port = port
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    const socket = (this.#socket ??= await this.#open())
    for (const message of messages)
      await new Promise<void>((resolve, reject) => {
        socket.send(message, (error) => {
          if (error) reject(error)
          else resolve()
        })
      })
  }

  close(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  async #open(): Promise<Socket> {
    const { address } = await lookup(this.#host)
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    socket.on('error', () => undefined) // that nobody listens is told by the next message
    socket.unref()
    await new Promise<void>((resolve) => socket.connect(this.#port, address, resolve))
    return socket
  }
}

/** Messages over a unix socket, one in a datagram: the local syslog, the journal. */
export class UnixDatagramTransport implements Transport {
  readonly #path: string
  #fd: Fd | undefined

  constructor(path: string) {
    this.#path = path
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    const fd = (this.#fd ??= new Fd(connectUnix(this.#path, SOCK_DGRAM | SOCK_NONBLOCK)))
    for (const message of messages) await sendPatiently(fd, message)
  }

  close(): void {
    this.#fd?.close()
    this.#fd = undefined
  }
}

const fullForMs = 10_000

/** The queue of who reads is short: what does not fit is tried again for a while. */
async function sendPatiently(fd: Fd, message: Buffer): Promise<void> {
  for (const until = performance.now() + fullForMs; ;) {
    try {
      send(fd.number, message, MSG_NOSIGNAL)
      return
    } catch (error) {
      if (!isSyscallError(error) || error.code !== 'EAGAIN' || performance.now() > until) throw error
      await sleep(5, undefined, { ref: false })
    }
  }
}
