import { isIPv4 } from 'node:net'
import { usageError } from '../errors.js'

/** A published port, as the runtime takes it. */
export interface Published {
  readonly host?: number
  readonly container: number
  readonly protocol: 'tcp' | 'udp'
  readonly hostIp?: string
}

/**
 * Reads `-p`: `[[IP:][HOST]:]CONTAINER[/tcp|/udp]`, where HOST and CONTAINER are ports or ranges of the same
 * length. Without HOST the kernel chooses a free port.
 */
export function parsePublish(text: string): readonly Published[] {
  const [addressed = '', protocol = 'tcp', ...rest] = text.split('/')
  if (rest.length > 0 || (protocol !== 'tcp' && protocol !== 'udp')) {
    throw wrong(text, 'the protocol must be tcp or udp')
  }
  if (addressed.startsWith('[')) throw wrong(text, 'addresses of IPv6 cannot be published yet')
  const parts = addressed.split(':')
  if (parts.length > 3)
    throw wrong(text, 'at most an address, a port of the host and a port of the container')
  const container = parseRange(parts.at(-1)!, text)
  const host = parts.length === 1 || parts.at(-2) === '' ? undefined : parseRange(parts.at(-2)!, text, 0)
  const hostIp = parts.length === 3 && parts[0] !== '' ? parts[0] : undefined
  if (hostIp !== undefined && !isIPv4(hostIp)) throw wrong(text, `${hostIp} is not an address of IPv4`)
  if (host !== undefined && host.length !== container.length) {
    throw wrong(text, `${host.length} ports of the host stand against ${container.length} of the container`)
  }
  return container.map((port, n) => ({
    ...(host === undefined ? {} : { host: host[n]! }),
    container: port,
    protocol,
    ...(hostIp === undefined ? {} : { hostIp }),
  }))
}

function parseRange(text: string, whole: string, lowest = 1): readonly number[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const first = Number(match?.[1])
  const last = match?.[2] === undefined ? first : Number(match[2])
  if (match === null || first < lowest || last < first || last > 65_535) {
    throw wrong(whole, `${JSON.stringify(text)} is no port or range of ports from ${lowest} to 65535`)
  }
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
}

function wrong(text: string, why: string): Error {
  return usageError(`invalid argument "${text}" for -p, --publish: ${why}`)
}
