import {
  AF_INET,
  bind,
  Fd,
  getsockname,
  isSyscallError,
  setsockopt,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
} from '@ctr/linux'
import { ipv4Bytes, parseIpv4 } from './address/ipv4.js'
import { NetbridgeError } from './errors.js'
import { kernelError } from './netlink/netlink-socket.js'
import type { HostPort } from './state/port-claims.js'

/**
 * Asks the kernel whether a port of this host can be bound, by binding it for a moment.
 *
 * @param port - Port 0 lets the kernel choose from `net.ipv4.ip_local_port_range`.
 * @returns The port.
 * @throws {@link NetbridgeError}
 *   - `ERR_NETBRIDGE_PORT_TAKEN`: a socket of the host has it.
 *   - `ERR_NETBRIDGE_INVALID_ARG`: `hostIp` is no address of this host.
 */
export function probeHostPort({ protocol, host, hostIp }: HostPort): number {
  using probe = new Fd(socket(AF_INET, protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0))
  // closed connections that linger in TIME_WAIT do not count; listening sockets do nevertheless
  if (protocol === 'tcp') setsockopt(probe.number, SOL_SOCKET, SO_REUSEADDR, 1)
  const action = `publish ${hostIp}:${host}/${protocol}`
  try {
    bind(probe.number, socketAddress(parseIpv4(hostIp) ?? 0, host))
  } catch (error) {
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
        return host // may not be bound by this user, but may be published
      default:
        throw kernelError(action, error)
    }
  }
  return host === 0 ? getsockname(probe.number).readUInt16BE(2) : host
}

/** `struct sockaddr_in`. */
function socketAddress(address: number, port: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(ipv4Bytes(address), 4)
  return bytes
}
