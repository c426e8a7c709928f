import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { setsockopt, SO_REUSEADDR, SOL_SOCKET } from '@ctr/linux'

/** Where what comes for a port of [::1] is sent. */
export interface ForwardTarget {
  /** IPv6 address of the container. */
  readonly address: string
  readonly port: number
}

const LOCALHOST = '::1'
/** Connections through one port at once; more are refused. */
const MOST_CONNECTIONS = 1024
/** Whether the other end is still there is asked after so long without a word, in milliseconds. */
const KEEP_ALIVE_MS = 60_000
/** Clients of one port over UDP at once: a new one takes the place of the one that was heard of first. */
const MOST_CLIENTS = 256
/** After so long without a word a client of UDP is forgotten, in milliseconds. */
const IDLE_MS = 60_000

/**
 * Carries what comes to [::1] to a container: the kernel lets nothing from there leave the host, so its destination cannot
 * be changed as that of everything else. The container sees the address of the bridge. It goes with the process, and
 * does not keep the event loop alive.
 *
 * @param fd - A bound socket; it is this function's from now on.
 */
export function forwardLoopback(protocol: 'tcp' | 'udp', fd: number, target: ForwardTarget): Disposable {
  return protocol === 'tcp' ? forwardTcp(fd, target) : forwardUdp(fd, target)
}

function forwardTcp(fd: number, { address, port }: ForwardTarget): Disposable {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (client.localAddress !== LOCALHOST) {
      client.destroy() // only while the table is away: everything else is led there by it
      return
    }
    join(open, client, connect({ host: address, port, allowHalfOpen: true, noDelay: true }))
  })
  server.maxConnections = MOST_CONNECTIONS
  server.on('error', () => undefined)
  // listening, it is shared with nobody; what lingers in TIME_WAIT keeps neither this nor the next one from the port
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1)
  server.listen({ fd })
  server.unref()
  return {
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of open) socket.resetAndDestroy()
    },
  }
}

/** Each reads no faster than the other takes, and ends what it says when the other does. */
function join(open: Set<Socket>, client: Socket, container: Socket): void {
  const pairs = [
    [client, container],
    [container, client],
  ] as const
  for (const [from, to] of pairs) {
    open.add(from)
    from.setKeepAlive(true, KEEP_ALIVE_MS)
    from.on('error', () => undefined) // the end comes with 'close'
    from.on('close', (failed) => {
      open.delete(from)
      if (failed) to.resetAndDestroy()
    })
    from.pipe(to)
  }
}

/** What a client of UDP is spoken for with. */
interface Voice {
  readonly socket: UdpSocket
  readonly timer: NodeJS.Timeout
}

function forwardUdp(fd: number, target: ForwardTarget): Disposable {
  const socket = createSocket('udp6')
  const voices = new Map<number, Voice>()
  const forget = (client: number): void => {
    const voice = voices.get(client)
    if (voice === undefined) return
    voices.delete(client)
    clearTimeout(voice.timer)
    voice.socket.close()
  }
  const voiceOf = (client: number): Voice => {
    const found = voices.get(client)
    if (found !== undefined) return found
    if (voices.size === MOST_CLIENTS) forget(voices.keys().next().value!)
    const own = createSocket('udp6').unref()
    own.on('error', () => forget(client))
    own.on('message', (data, { address, port }) => {
      if (address === target.address && port === target.port) socket.send(data, client, LOCALHOST)
    })
    const voice = { socket: own, timer: setTimeout(() => forget(client), IDLE_MS).unref() }
    voices.set(client, voice)
    return voice
  }
  socket.on('message', (data, { address, port }) => {
    if (address !== LOCALHOST) return
    const voice = voiceOf(port)
    voice.timer.refresh()
    voice.socket.send(data, target.port, target.address)
  })
  socket.on('error', () => undefined)
  socket.bind({ fd })
  socket.unref()
  return {
    [Symbol.dispose]: () => {
      for (const client of [...voices.keys()]) forget(client)
      socket.close()
    },
  }
}
