import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { badRequest } from '../../errors.js'
import type { LogDriver } from '../driver.js'
import type { LogBatch } from '../entry.js'
import { tagOf } from '../source.js'
import { parseHostPort, splitAddress, type HostPort } from './addresses.js'
import { UdpTransport, UnixDatagramTransport } from './datagram-transport.js'
import type { Transport } from './outbox.js'
import { RemoteSink } from './remote-sink.js'
import { StreamTransport } from './stream-transport.js'

type Config = Readonly<Record<string, string>>

/** Numbers of RFC 5424 6.2.1, in their order. */
const facilities =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp 12 13 14 15 local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  )

const formats = ['', 'rfc3164', 'rfc5424', 'rfc5424micro']
const localSocket = '/dev/log'

type Address =
  | { readonly scheme: 'unix' | 'unixgram'; readonly path: string }
  | ({ readonly scheme: 'udp' | 'tcp' | 'tcp+tls' } & HostPort)

/** RFC 3164 and 5424, over UDP, TCP, TLS (RFC 5425) and unix sockets; without an address to the local syslog. */
export const syslog: LogDriver = {
  options: [
    'syslog-address',
    'syslog-facility',
    'syslog-format',
    'syslog-tls-ca-cert',
    'syslog-tls-cert',
    'syslog-tls-key',
    'syslog-tls-skip-verify',
  ],
  unknown: (option) => `unknown log opt '${option}' for syslog log driver`,
  check(config) {
    addressOf(config)
    facilityOf(config)
    if (!formats.includes(config['syslog-format'] ?? '')) throw badRequest('Invalid syslog format')
    tlsOf(config)
  },
  open(source, { onError }) {
    const { config } = source
    const address = addressOf(config)
    const name = 'path' in address ? address.path : `${address.host}:${address.port}`
    const facility = facilityOf(config)
    const host = hostname()
    const encode = (line: string, batch: LogBatch): Buffer | undefined => {
      if (line === '') return undefined
      const severity = batch.stream === 'stderr' ? 3 : 6
      const head = headOf(config['syslog-format'] ?? '', batch, host, tagOf(source))
      return Buffer.from(`<${facility * 8 + severity}>${head}${line}\n`)
    }
    const transport = transportOf(address, config)
    return { sink: new RemoteSink({ name: `syslog at ${name}`, transport, encode, onError }) }
  },
}

function headOf(format: string, { time }: LogBatch, host: string, tag: string): string {
  const { pid } = process
  switch (format) {
    case 'rfc5424':
      return `1 ${time.slice(0, 19)}Z ${host} ${tag} ${pid} ${tag} - `
    case 'rfc5424micro':
      return `1 ${time.slice(0, 26)}Z ${host} ${tag} ${pid} ${tag} - `
    case 'rfc3164':
      return `${stamp(time)} ${host} ${tag}[${pid}]: `
    default:
      return `${stamp(time)} ${tag}[${pid}]: `
  }
}

/** `Jan  2 03:04:05`, in local time (RFC 3164 4.1.2). */
function stamp(time: string): string {
  const [, month, day, , clock] = new Date(time).toString().split(' ')
  return `${month} ${String(Number(day)).padStart(2)} ${clock}`
}

function transportOf(address: Address, config: Config): Transport {
  if (address.scheme === 'unixgram') return new UnixDatagramTransport(address.path)
  if (address.scheme === 'unix') return new StreamTransport({ path: address.path })
  if (address.scheme === 'udp') return new UdpTransport(address)
  if (address.scheme === 'tcp') return new StreamTransport(address)
  const isFramed = (config['syslog-format'] ?? '').startsWith('rfc5424')
  const pack = (messages: readonly Buffer[]): Buffer =>
    Buffer.concat(
      isFramed ? messages.flatMap((message) => [Buffer.from(`${message.length} `), message]) : messages,
    )
  return new StreamTransport({ ...address, tls: tlsOf(config) }, { pack })
}

function addressOf(config: Config): Address {
  const address = config['syslog-address'] ?? ''
  if (address === '') return { scheme: 'unixgram', path: localSocket }
  const { scheme, rest } = splitAddress(address)
  switch (scheme) {
    case 'unix':
    case 'unixgram':
      if (!existsSync(rest)) throw badRequest(`stat ${rest}: no such file or directory`)
      return { scheme, path: rest }
    case 'udp':
    case 'tcp':
    case 'tcp+tls': {
      const place = parseHostPort(rest, { port: 514 })
      if (place === undefined) throw badRequest(`invalid syslog-address: ${address}`)
      return { scheme, ...place }
    }
    default:
      throw badRequest(`unsupported scheme: '${scheme}'`)
  }
}

function facilityOf(config: Config): number {
  const text = config['syslog-facility'] ?? ''
  const number = text === '' ? 3 : facilities.indexOf(text)
  if (number >= 0) return number
  if (/^\d{1,2}$/.test(text) && Number(text) <= 23) return Number(text)
  throw badRequest('invalid syslog facility')
}

function tlsOf(config: Config): { ca?: Buffer; cert?: Buffer; key?: Buffer; rejectUnauthorized: boolean } {
  const read = (name: string): Buffer | undefined => {
    const path = config[`syslog-tls-${name}`]
    if (path === undefined || path === '') return undefined
    try {
      return readFileSync(path)
    } catch (error) {
      throw badRequest(`cannot read syslog-tls-${name} ${path}: ${(error as NodeJS.ErrnoException).code}`)
    }
  }
  const [ca, cert, key] = [read('ca-cert'), read('cert'), read('key')]
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    rejectUnauthorized: !('syslog-tls-skip-verify' in config),
  }
}
