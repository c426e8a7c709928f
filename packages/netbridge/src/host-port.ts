import {
  AF_INET,
  AF_INET6,
  bind,
  Fd,
  getsockname,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  isSyscallError,
  setsockopt,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
} from '@ctr/linux'
import { addressBytes } from './nft/elements.js'
import { NetbridgeError } from './errors.js'
import { kernelError } from './netlink/kernel-error.js'
import type { Protocol } from './ports.js'
import type { HostPort } from './state/port-claims.js'

/** A port of this host that a socket of ours has: no other program can listen there until it is closed. */
export interface BoundPort extends Disposable {
  readonly host: number
  /** Gives its socket away: whoever takes it closes it. */
  release(): number
}

const IPPROTO_SCTP = 132
const socketTypes: Readonly<Record<Protocol, readonly [type: number, protocol: number]>> = {
  tcp: [SOCK_STREAM, 0],
  udp: [SOCK_DGRAM, 0],
  sctp: [SOCK_STREAM, IPPROTO_SCTP],
}

/**
 * Binds a port of this host, without listening.
 *
 * @param port - Port 0 lets the kernel choose from `net.ipv4.ip_local_port_range`.
 * @returns Undefined when this user may not bind it, or nobody can because the kernel has no such protocol.
 * @throws {@link NetbridgeError}
 *   - `ERR_NETBRIDGE_PORT_TAKEN`: a socket of the host has it.
 *   - `ERR_NETBRIDGE_INVALID_ARG`: `hostIp` is no address of this host.
 */
export function bindHostPort({ protocol, host, hostIp }: HostPort): BoundPort | undefined {
  const action = `publish ${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${host}/${protocol}`
  let fd: Fd | undefined
  try {
    const family = hostIp.includes(':') ? AF_INET6 : AF_INET
    fd = new Fd(socket(family, ...socketTypes[protocol]))
    if (family === AF_INET6) setsockopt(fd.number, IPPROTO_IPV6, IPV6_V6ONLY, 1)
    // closed connections that linger in TIME_WAIT do not count. Those who come after us shall not share it for that.
    // a socket that might share its port is given one of a quarter of them, and the longer the fuller that is
    const shares = protocol === 'tcp' && host !== 0
    if (shares) setsockopt(fd.number, SOL_SOCKET, SO_REUSEADDR, 1)
    bind(fd.number, socketAddress(hostIp, host))
    if (shares) setsockopt(fd.number, SOL_SOCKET, SO_REUSEADDR, 0)
    const bound = fd
    return {
      host: host === 0 ? getsockname(fd.number).readUInt16BE(2) : host,
      release: () => bound.release(),
      [Symbol.dispose]: () => bound.close(),
    }
  } catch (error) {
    fd?.close()
    refuse(error, action, hostIp)
    return undefined
  }
}

/** Throws, unless it only means that the port cannot be bound by us or by anybody. */
function refuse(error: unknown, action: string, hostIp: string): void {
  if (!isSyscallError(error)) throw error
  const context = { errno: error.errno, errnoCode: error.code, cause: error }
  switch (error.code) {
    case 'EADDRINUSE':
      throw new NetbridgeError(
        'ERR_NETBRIDGE_PORT_TAKEN',
        `cannot ${action}: address already in use by a program of the host`,
        context,
      )
    case 'EADDRNOTAVAIL':
      throw new NetbridgeError(
        'ERR_NETBRIDGE_INVALID_ARG',
        `cannot ${action}: ${hostIp} is no address of this host`,
        context,
      )
    case 'EACCES':
    case 'EPROTONOSUPPORT':
    case 'EAFNOSUPPORT':
      return
    default:
      throw kernelError(action, error)
  }
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress(address: string, port: number): Uint8Array {
  const isIpv6 = address.includes(':')
  const bytes = Buffer.alloc(isIpv6 ? 28 : 16)
  bytes.writeUInt16LE(isIpv6 ? AF_INET6 : AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(addressBytes(address), isIpv6 ? 8 : 4)
  return bytes
}
