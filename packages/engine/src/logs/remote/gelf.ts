import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { deflateSync, gzipSync } from 'node:zlib'
import { badRequest } from '../../errors.js'
import type { LogDriver } from '../driver.js'
import { attributesOf, tagOf } from '../source.js'
import { parseHostPort, splitAddress, type HostPort } from './addresses.js'
import { UdpTransport } from './datagram-transport.js'
import type { Transport } from './outbox.js'
import { RemoteSink } from './remote-sink.js'
import { StreamTransport } from './stream-transport.js'

type Config = Readonly<Record<string, string>>

const compressions = ['gzip', 'zlib', 'none']
/** Bytes of a datagram that pass without being parted on the way. */
const datagramBytes = 1420
const chunkHeader = 12
/** More chunks a message must not have. */
const mostChunks = 128

/** Graylog's format (https://go2docs.graylog.org/current/getting_in_log_data/gelf.html), over UDP or TCP. */
export const gelf: LogDriver = {
  options: [
    'gelf-address',
    'gelf-compression-type',
    'gelf-compression-level',
    'gelf-tcp-max-reconnect',
    'gelf-tcp-reconnect-delay',
  ],
  unknown: (option) => `unknown log opt ${JSON.stringify(option)} for gelf log driver`,
  check,
  open(source, { onError }) {
    const { config } = source
    const { scheme, host, port } = addressOf(config)
    const machine = hostname()
    const encode = (line: string, { stream, time }: { readonly stream: string; readonly time: string }) => {
      if (line === '') return undefined
      const extra = attributesOf(source, (key) => (key.startsWith('_') ? key : `_${key}`))
      return Buffer.from(
        JSON.stringify({
          version: '1.1',
          host: machine,
          short_message: line,
          timestamp: Date.parse(time) / 1000,
          level: stream === 'stderr' ? 3 : 6,
          _command: source.command.join(' '),
          _container_id: source.id,
          _container_name: source.name,
          _created: source.created,
          _image_id: source.imageId,
          _image_name: source.imageName,
          _tag: tagOf(source),
          ...extra,
        }),
      )
    }
    const name = `gelf at ${host}:${port}`
    if (scheme === 'udp') {
      const transport = new Chunked(new UdpTransport({ host, port }), config)
      return { sink: new RemoteSink({ name, transport, encode, onError }) }
    }
    const pack = (messages: readonly Buffer[]): Buffer =>
      Buffer.concat(messages.flatMap((message) => [message, Buffer.alloc(1)]))
    const delay = config['gelf-tcp-reconnect-delay']
    const retries = config['gelf-tcp-max-reconnect']
    return {
      sink: new RemoteSink({
        name,
        transport: new StreamTransport({ host, port }, { pack }),
        encode,
        onError,
        retryMs: delay === undefined ? undefined : Number(delay) * 1000,
        mostRetries: retries === undefined ? undefined : Number(retries),
      }),
    }
  },
}

/** Compresses messages, and parts those that are larger than a datagram. */
class Chunked implements Transport {
  readonly #transport: Transport
  readonly #compress: (message: Buffer) => Buffer

  constructor(transport: Transport, config: Config) {
    this.#transport = transport
    const level = Number(config['gelf-compression-level'] ?? '1')
    const type = config['gelf-compression-type'] ?? 'gzip'
    this.#compress =
      type === 'none'
        ? (message) => message
        : (message) => (type === 'zlib' ? deflateSync(message, { level }) : gzipSync(message, { level }))
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    await this.#transport.send(messages.flatMap((message) => chunksOf(this.#compress(message))))
  }

  close(): void {
    this.#transport.close()
  }
}

function chunksOf(message: Buffer): Buffer[] {
  if (message.length <= datagramBytes) return [message]
  const room = datagramBytes - chunkHeader
  const count = Math.ceil(message.length / room)
  if (count > mostChunks)
    throw new Error(`a message of ${message.length} bytes has no place in ${mostChunks} chunks`)
  const id = randomBytes(8)
  return Array.from({ length: count }, (_, number) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([number, count]),
      message.subarray(number * room, (number + 1) * room),
    ]),
  )
}

function addressOf(config: Config): HostPort & { readonly scheme: 'udp' | 'tcp' } {
  const address = config['gelf-address'] ?? ''
  if (address === '') throw badRequest('gelf-address is a required parameter')
  const { scheme, rest } = splitAddress(address)
  if (scheme !== 'udp' && scheme !== 'tcp') throw badRequest('gelf: endpoint needs to be TCP or UDP')
  const place = parseHostPort(rest)
  if (place === undefined) throw badRequest('gelf: please provide gelf-address as proto://host:port')
  return { scheme, ...place }
}

function check(config: Config): void {
  const { scheme } = addressOf(config)
  for (const [option, value] of Object.entries(config)) {
    const unknown = `unknown value ${JSON.stringify(value)} for log opt ${JSON.stringify(option)} for gelf log driver`
    if (option.startsWith('gelf-compression')) {
      if (scheme !== 'udp') throw badRequest('compression is only supported on UDP')
      const isKnown = option.endsWith('type') ? compressions.includes(value) : /^(-1|\d)$/.test(value)
      if (!isKnown) throw badRequest(unknown)
    }
    if (option.startsWith('gelf-tcp')) {
      if (scheme !== 'tcp') throw badRequest(`${JSON.stringify(option)} is only valid for TCP`)
      if (!/^\d{1,9}$/.test(value)) throw badRequest(`${JSON.stringify(option)} must be a positive integer`)
    }
  }
}
