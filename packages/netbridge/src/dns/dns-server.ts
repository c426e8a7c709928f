import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket as TcpSocket } from 'node:net'
import { contains, formatIpv4, parseIpv4, type Subnet } from '../address/ipv4.js'
import { answerOf, fits } from './answer.js'
import { Forwarder } from './forwarder.js'
import { HostResolvers } from './host-resolvers.js'
import { rcodes, readQuery, writeFailure, writeRefusal, writeTruncated } from './message.js'
import type { Names } from './name-table.js'
import type { DnsSockets } from './sockets.js'
import { lengthPrefixed, MessageReader } from './upstream.js'

/** How names are served. */
export interface DnsOptions {
  /**
   * Servers that are asked what no endpoint is called, in order, IPv4 or IPv6. `false`: none, other names are refused.
   * Default: those of the host's `/etc/resolv.conf`, also when it changes.
   */
  readonly forward?: readonly string[] | false | undefined
  /** Port, 0 for any. Default 53, the only one that a `resolv.conf` can name. */
  readonly port?: number | undefined
}

const mostConnections = 128
const idleMs = 10_000
/** Questions of one connection that are answered at a time. */
const mostAtOnce = 16

/**
 * A server of names by UDP and TCP: for one network at the address of its bridge, where it answers whoever has an
 * address of the network, and the host itself; or for one container inside its own network namespace. Others get
 * nothing.
 */
export class DnsServer implements AsyncDisposable {
  readonly #askers: Subnet
  readonly #tables: () => readonly Names[]
  readonly #forwarder: Forwarder | undefined
  readonly #udp: Socket
  readonly #tcp: Server
  readonly #connections = new Set<TcpSocket>()
  /** Address in dotted form. */
  readonly address: string
  readonly port: number
  #closed: Promise<void> | undefined

  private constructor(at: DnsPlace, forward: DnsOptions['forward'], udp: Socket, tcp: Server, port: number) {
    this.#askers = at.askers
    this.#tables = at.tables
    this.address = formatIpv4(at.address)
    this.port = port
    const resolvers = new HostResolvers()
    // the host's own list may name this server: that would go round
    const servers = (): readonly string[] =>
      (forward === undefined || forward === false ? resolvers.servers() : forward).filter(
        (server) => server !== this.address,
      )
    this.#forwarder = forward === false ? undefined : new Forwarder(servers)
    this.#udp = udp
    this.#tcp = tcp
    udp.on('message', (bytes, from) => void this.#datagram(bytes, from))
    udp.on('error', () => undefined) // such as an answer to a port that was closed meanwhile
    tcp.on('connection', (connection) => this.#connection(connection))
    tcp.on('error', () => undefined)
  }

  /** @internal */
  static async start(at: DnsPlace, { forward, port = 53 }: DnsOptions): Promise<DnsServer> {
    const sockets = at.open(port)
    const udp = createSocket('udp4')
    const tcp = createServer({ noDelay: true })
    tcp.maxConnections = mostConnections
    const listening = [once(udp, 'listening'), once(tcp, 'listening')] // for a descriptor emitted within bind()
    udp.bind({ fd: sockets.udp })
    tcp.listen({ fd: sockets.tcp })
    await Promise.all(listening)
    return new DnsServer(at, forward, udp, tcp, sockets.port)
  }

  /** Lets the process end although it serves. */
  unref(): this {
    this.#udp.unref()
    this.#tcp.unref()
    return this
  }

  /** Stops, and gives up the questions that are on their way. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#forwarder?.close()
    const closed = [once(this.#udp, 'close'), once(this.#tcp, 'close')]
    this.#udp.close()
    this.#tcp.close()
    for (const connection of this.#connections) connection.destroy()
    await Promise.all(closed)
  }

  async #datagram(bytes: Buffer, { address, port }: RemoteInfo): Promise<void> {
    if (!this.#serves(address)) return
    const answer = await this.#answer(bytes, address, false)
    // a datagram that cannot be sent is like one that gets lost
    if (answer !== undefined && this.#closed === undefined)
      this.#udp.send(answer, port, address, () => undefined)
  }

  #connection(connection: TcpSocket): void {
    const address = connection.remoteAddress ?? ''
    if (!this.#serves(address)) return void connection.destroy()
    this.#connections.add(connection)
    connection.on('close', () => this.#connections.delete(connection))
    connection.on('error', () => undefined)
    connection.setTimeout(idleMs, () => connection.destroy())
    const reader = new MessageReader()
    let atOnce = 0
    connection.on('data', (chunk: Buffer) => {
      for (const bytes of reader.push(chunk)) {
        if (++atOnce >= mostAtOnce) connection.pause()
        void this.#answer(bytes, address, true).then((answer) => {
          if (answer === undefined) connection.destroy()
          else if (connection.writable) connection.write(lengthPrefixed(answer))
          if (--atOnce < mostAtOnce) connection.resume()
        })
      }
    })
  }

  #serves(asker: string): boolean {
    const source = parseIpv4(asker)
    return source !== undefined && contains(this.#askers, source)
  }

  /** Undefined: nobody gets an answer. */
  async #answer(bytes: Buffer, asker: string, tcp: boolean): Promise<Buffer | undefined> {
    const query = readQuery(bytes)
    if (query === undefined) return undefined
    if (typeof query === 'number') return writeRefusal(bytes, query)
    const answer =
      answerOf(query, this.#tables()) ??
      (this.#forwarder === undefined
        ? writeFailure(query, rcodes.refused)
        : await this.#forwarder.answer(query, asker, tcp))
    return tcp || fits(answer, query) ? answer : writeTruncated(query)
  }
}

/** Where a server stands. */
export interface DnsPlace {
  /** Where askers reach it. */
  readonly address: number
  /** Where they may ask from. */
  readonly askers: Subnet
  /** The names as they are now, of one network after the other. */
  readonly tables: () => readonly Names[]
  /** @param port - 0 for any. */
  readonly open: (port: number) => DnsSockets
}
