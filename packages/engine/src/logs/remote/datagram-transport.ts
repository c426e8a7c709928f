import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  connectUnix,
  Fd,
  isSyscallError,
  MSG_NOSIGNAL,
  sealedMemory,
  send,
  sendFd,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from '@ctr/linux'
import type { Transport } from './outbox.js'

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
  readonly #largeAsFile: boolean
  #fd: Fd | undefined

  /** @param options - `largeAsFile`: what is too large for a datagram goes as a sealed file in an empty one. */
  constructor(path: string, { largeAsFile = false }: { readonly largeAsFile?: boolean } = {}) {
    this.#path = path
    this.#largeAsFile = largeAsFile
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    const fd = (this.#fd ??= new Fd(connectUnix(this.#path, SOCK_DGRAM | SOCK_NONBLOCK)))
    for (const message of messages)
      try {
        await patiently(() => send(fd.number, message, MSG_NOSIGNAL))
      } catch (error) {
        if (!this.#largeAsFile || !isTooLarge(error)) throw error
        using file = sealedMemory('ctr-log', message)
        await patiently(() => sendFd(fd.number, file.number, Buffer.alloc(0)))
      }
  }

  close(): void {
    this.#fd?.close()
    this.#fd = undefined
  }
}

const fullForMs = 10_000

/** The queue of who reads is short: what does not fit is tried again for a while. */
async function patiently(sendIt: () => unknown): Promise<void> {
  for (const until = performance.now() + fullForMs; ;) {
    try {
      sendIt()
      return
    } catch (error) {
      if (!isSyscallError(error) || error.code !== 'EAGAIN' || performance.now() > until) throw error
      await sleep(5, undefined, { ref: false })
    }
  }
}

/** Larger than the socket's buffer, or than the kernel has memory for in one piece. */
function isTooLarge(error: unknown): boolean {
  return isSyscallError(error) && (error.code === 'EMSGSIZE' || error.code === 'ENOBUFS')
}
