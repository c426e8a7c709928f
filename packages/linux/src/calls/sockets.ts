import { withBits } from '../bits.js'
import { SOCK_CLOEXEC } from '../constants/socket.js'
import { out } from '../program/argument.js'
import { syscall } from '../syscall.js'

/** socket(2), close-on-exec. It belongs to the network namespace that the calling thread is in. */
export function socket(domain: number, type: number, protocol: number): number {
  return syscall('socket', domain, withBits(type, SOCK_CLOEXEC), protocol)
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
