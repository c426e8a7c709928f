import {
  AF_INET,
  bind,
  closeFd,
  getsockname,
  isSyscallError,
  listen,
  setsockopt,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
} from '@ctr/linux'
import { formatIpv4, ipv4Bytes } from '../address/ipv4.js'
import { NetbridgeError } from '../errors.js'

/** Bytes of questions that may wait while the process does something else: a second's worth of 5,000 a second. */
const WAITING_BYTES = 2 * 1024 * 1024

/** Descriptors of the two sockets of a server; whoever reads from them closes them, and until then we do. */
export interface DnsSockets extends Disposable {
  readonly udp: number
  readonly tcp: number
  readonly port: number
}

/**
 * Binds both. Every process that serves a network has sockets of its own on the same port (`SO_REUSEPORT`, socket(7)),
 * among which the kernel shares what comes: who ends leaves it to the others.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PORT_TAKEN`: a program that is not ours has the port.
 */
export function openDnsSockets(address: number, port: number): DnsSockets {
  const open: number[] = []
  const bound = (type: number, at: number): number => {
    const fd = socket(AF_INET, type, 0)
    open.push(fd)
    if (type === SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1) // connections that have just ended
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1)
    bind(fd, socketAddress(address, at))
    return fd
  }
  const close = (): void => {
    for (const fd of open) closeFd(fd)
  }
  try {
    const udp = bound(SOCK_DGRAM, port)
    enlarge(udp)
    const taken = getsockname(udp).readUInt16BE(2)
    const tcp = bound(SOCK_STREAM, taken)
    listen(tcp, 128)
    return { udp, tcp, port: taken, [Symbol.dispose]: close }
  } catch (error) {
    close()
    throw explained(error, `${formatIpv4(address)}:${port}`)
  }
}

/** More than `net.core.rmem_max`, which is room for 280 questions, needs CAP_NET_ADMIN. */
function enlarge(fd: number): void {
  try {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, WAITING_BYTES)
  } catch (error) {
    if (!isSyscallError(error) || error.code !== 'EPERM') throw error
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, WAITING_BYTES)
  }
}

function explained(error: unknown, where: string): unknown {
  if (!isSyscallError(error)) return error
  const code =
    error.code === 'EADDRINUSE'
      ? 'ERR_NETBRIDGE_PORT_TAKEN'
      : error.code === 'EACCES'
        ? 'ERR_NETBRIDGE_PERMISSION'
        : 'ERR_NETBRIDGE_KERNEL'
  const hint = error.code === 'EADDRINUSE' ? '; another server of names listens there' : ''
  const context = { cause: error, errno: error.errno, errnoCode: error.code }
  return new NetbridgeError(code, `cannot serve names at ${where}: ${error.message}${hint}`, context)
}

/** A `struct sockaddr_in` (ip(7)). */
function socketAddress(address: number, port: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(ipv4Bytes(address), 4)
  return bytes
}
