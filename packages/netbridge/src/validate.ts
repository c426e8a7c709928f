import { parseIpv4 } from './address/ipv4.js'
import { isIP } from 'node:net'
import type { DnsOptions } from './dns/dns-server.js'
import { NetbridgeError } from './errors.js'

function invalid(what: string, value: unknown, should: string): NetbridgeError {
  const quoted = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value)
  return new NetbridgeError(
    'ERR_NETBRIDGE_INVALID_ARG',
    `cannot use ${quoted} as ${what}: it must be ${should}`,
  )
}

/** An id of an endpoint: it becomes a file name. */
export function checkId(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(id)) {
    throw invalid('id', id, '1-128 letters, digits, "_", "." and "-", beginning with a letter or digit')
  }
  return id
}

/** Name of a network: it becomes a file name. */
export function checkNetworkName(name: string): string {
  if (!/^[A-Za-z0-9]([A-Za-z0-9_. -]{0,126}[A-Za-z0-9_.-])?$/.test(name)) {
    throw invalid(
      'name of a network',
      name,
      '1-128 letters, digits, "_", "." and "-", and blanks between them, beginning with a letter or digit',
    )
  }
  return name
}

/** Name of an instance: it becomes an nftables table. */
export function checkInstance(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,31}$/.test(name)) {
    throw invalid('instance', name, '1-32 letters, digits and "_", beginning with a letter')
  }
  return name
}

/** Name of an interface as `dev_valid_name()` of the kernel has it, and without what shells and sysctl trip over. */
export function checkInterfaceName(what: string, name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) {
    throw invalid(what, name, '1-15 letters, digits, "_", "." and "-", beginning with a letter or digit')
  }
  return name
}

/** Name of any interface that there can be, as `dev_valid_name()` of the kernel has it. */
export function checkDeviceName(what: string, name: string): string {
  if (!/^[^\s/:\0]{1,15}$/.test(name) || name === '.' || name === '..' || Buffer.byteLength(name) > 15) {
    throw invalid(what, name, '1-15 bytes without "/", ":" and spaces, and neither "." nor ".."')
  }
  return name
}

/** A dotted IPv4 address. */
export function checkIpv4(what: string, text: string): number {
  const address = parseIpv4(text)
  if (address === undefined) throw invalid(what, text, 'an IPv4 address')
  return address
}

/** A unicast hardware address, as six bytes. */
export function checkMac(text: string): Uint8Array {
  const bytes = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? Buffer.from(text.replaceAll(':', ''), 'hex')
    : undefined
  if (bytes === undefined || ((bytes[0] ?? 1) & 1) === 1 || bytes.every((byte) => byte === 0)) {
    throw invalid('mac', text, 'a unicast hardware address such as 02:42:ac:1e:00:02')
  }
  return bytes
}

/** Labels of letters, digits, `-` and `_`, at most 63 long, 253 in all (RFC 1123; `_` as Docker allows it). */
export function isHostName(name: string): boolean {
  const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
  return name.length <= 253 && new RegExp(`^${label}(?:\\.${label})*$`).test(name)
}

/** Names of an endpoint: as many as a line of `/etc/hosts` can hold. */
export function checkNames(names: readonly string[]): readonly string[] {
  if (names.length > 35) throw invalid('names', names.length, 'at most 35')
  for (const name of names) {
    if (!isHostName(name)) throw invalid('name', name, 'a host name')
  }
  return names
}

/** An integer in a range. */
export function checkInteger(what: string, value: number, smallest: number, largest: number): number {
  if (!Number.isInteger(value) || value < smallest || value > largest) {
    throw invalid(what, value, `an integer from ${smallest} to ${largest}`)
  }
  return value
}

/** Writes a hardware address. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** A port and addresses of servers. */
export function checkDnsOptions({ forward, port }: DnsOptions): void {
  if (port !== undefined) checkInteger('port', port, 0, 65_535)
  checkForward(forward)
}

/** Addresses of servers to ask. */
export function checkForward(forward: DnsOptions['forward']): void {
  if (forward === undefined || forward === false) return
  for (const server of forward) {
    if (isIP(server) === 0) throw invalid('name server', server, 'an IPv4 or IPv6 address')
  }
}
