import { isIP, isIPv6 } from 'node:net'
import { usageError } from '../errors.js'

/** A published port, as the runtime takes it. */
export interface Published {
  readonly host?: number
  readonly hostTo?: number
  readonly container: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly hostIp?: string
}

/**
 * Reads `-p`: `[[IP:][HOST]:]CONTAINER[/tcp|/udp|/sctp]`, where HOST and CONTAINER are ports or ranges of the same
 * length, or HOST a range of which the first free port is taken. Without HOST the kernel chooses a free port. An IPv6
 * address stands in brackets.
 */
export function parsePublish(text: string): readonly Published[] {
  const [addressed = '', protocol = 'tcp', ...rest] = text.split('/')
  if (rest.length > 0 || (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp')) {
    throw wrong(text, 'the protocol must be tcp, udp or sctp')
  }
  const [, bracketed, behind = addressed] = /^\[([^\]]*)\]:(.*)$/.exec(addressed) ?? []
  if (bracketed !== undefined && !isIPv6(bracketed))
    throw wrong(text, `${bracketed} is not an address of IPv6`)
  const parts = behind.split(':')
  if (bracketed !== undefined) parts.unshift(bracketed)
  if (parts.length > 3)
    throw wrong(text, 'at most an address, a port of the host and a port of the container')
  const container = parseRange(parts.at(-1)!, text)
  const host = parts.length === 1 || parts.at(-2) === '' ? undefined : parseRange(parts.at(-2)!, text, 0)
  const hostIp = parts.length === 3 && parts[0] !== '' ? parts[0] : undefined
  if (hostIp !== undefined && isIP(hostIp) === 0) throw wrong(text, `${hostIp} is not an IP address`)
  if (host !== undefined && host.length > 1 && container.length === 1) {
    const [first, last] = [host[0]!, host.at(-1)!]
    const any: Published = { host: first, hostTo: last, container: container[0]!, protocol }
    return [hostIp === undefined ? any : { ...any, hostIp }]
  }
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
