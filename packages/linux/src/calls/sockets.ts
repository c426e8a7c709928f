import { withBits } from '../bits.js'
import { MSG_CMSG_CLOEXEC, SCM_RIGHTS, SIOCOUTQ, SOCK_CLOEXEC, SOL_SOCKET } from '../constants/socket.js'
import { out, Words } from '../program/argument.js'
import { syscall } from '../syscall.js'

/** socket(2), close-on-exec. It belongs to the network namespace that the calling thread is in. */
export function socket(domain: number, type: number, protocol: number): number {
  return syscall('socket', domain, withBits(type, SOCK_CLOEXEC), protocol)
}

/** socketpair(2), close-on-exec: two sockets that are connected with each other. */
export function socketpair(domain: number, type: number, protocol: number): [number, number] {
  const ends = Buffer.alloc(8)
  syscall('socketpair', domain, withBits(type, SOCK_CLOEXEC), protocol, out(ends))
  return [ends.readInt32LE(0), ends.readInt32LE(4)]
}

/** bind(2) with a `struct sockaddr` as bytes. */
export function bind(fd: number, address: Uint8Array): void {
  syscall('bind', fd, address, address.length)
}

/** listen(2). */
export function listen(fd: number, backlog: number): void {
  syscall('listen', fd, backlog)
}

/** sendto(2): to the peer that the socket is connected to, or to `address`. */
export function send(fd: number, bytes: Uint8Array, flags = 0, address: Uint8Array | null = null): number {
  return syscall('sendto', fd, bytes, bytes.length, flags, address, address?.length ?? 0)
}

/** recvfrom(2) without the sender: how many bytes were received into `buffer`. */
export function recv(fd: number, buffer: Uint8Array, flags = 0): number {
  return syscall('recvfrom', fd, out(buffer), buffer.length, flags, null, null)
}

/**
 * recvmsg(2) with the descriptors that came along (`SCM_RIGHTS`, unix(7)); they are close-on-exec and the caller's.
 *
 * @param most - How many descriptors there is room for; the kernel closes those beyond.
 */
export function recvFds(
  fd: number,
  buffer: Uint8Array,
  flags = 0,
  most = 16,
): { readonly length: number; readonly fds: number[] } {
  const control = Buffer.alloc(controlHeader + most * 4)
  const vector = new Words([out(buffer), buffer.length])
  const message = new Words([null, 0, vector, 1, out(control), control.length, 0])
  const length = syscall('recvmsg', fd, message, withBits(flags, MSG_CMSG_CLOEXEC))
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS
  const end = isRights ? Number(control.readBigUInt64LE(0)) : controlHeader
  const fds: number[] = []
  for (let offset = controlHeader; offset < end; offset += 4) fds.push(control.readInt32LE(offset))
  return { length, fds }
}

// struct cmsghdr: the length with the header, level, type; then the data
const controlHeader = 16

/** setsockopt(2) with a 32-bit integer or bytes. */
export function setsockopt(fd: number, level: number, name: number, value: number | Uint8Array): void {
  const bytes = typeof value === 'number' ? Buffer.alloc(4) : value
  if (typeof value === 'number') (bytes as Buffer).writeInt32LE(value, 0)
  syscall('setsockopt', fd, level, name, bytes, bytes.length)
}

/** getsockname(2): the `struct sockaddr` as bytes. */
export function getsockname(fd: number): Buffer {
  const address = Buffer.alloc(128)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(address.length, 0)
  syscall('getsockname', fd, out(address), out(length))
  return address.subarray(0, length.readUInt32LE(0))
}

/**
 * Whether nothing that was sent waits any longer (`SIOCOUTQ`): on a unix socket the peer has read all of it, on TCP it has
 * confirmed that it came (unix(7), tcp(7)).
 */
export function isSendQueueEmpty(fd: number): boolean {
  const length = Buffer.alloc(4)
  syscall('ioctl', fd, SIOCOUTQ, out(length))
  return length.readInt32LE(0) === 0
}
