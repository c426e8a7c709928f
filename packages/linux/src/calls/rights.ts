import { dirname, basename } from 'node:path'
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../constants/file.js'
import { AF_UNIX, MSG_NOSIGNAL, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET } from '../constants/socket.js'
import { LinuxError } from '../errors.js'
import { Fd } from '../fd.js'
import { Words } from '../program/argument.js'
import { syscall } from '../syscall.js'
import { recvFds, socket } from './sockets.js'

/** What came over a Unix socket: bytes, and at most one descriptor with them. */
export interface ReceivedFd {
  /** Close-on-exec, and the caller's to close. Undefined when none came along. */
  readonly fd: number | undefined
  /** Empty when the other side has closed. */
  readonly bytes: Buffer
}

/**
 * The `struct sockaddr_un` of a socket file, see unix(7).
 *
 * @param path - At most 107 bytes of UTF-8; {@link connectUnix} takes longer ones.
 * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: the path is empty, too long, or has a NUL byte.
 */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path)
  if (name.length === 0 || name.length > LONGEST_PATH || name.includes(0)) {
    throw new LinuxError(
      'ERR_LINUX_INVALID_ARG',
      `cannot make a socket address of ${JSON.stringify(path)}: ` +
        `a path must have 1 to ${LONGEST_PATH} bytes and no NUL byte`,
    )
  }
  const address = Buffer.alloc(2 + name.length + 1)
  address.writeUInt16LE(AF_UNIX, 0)
  address.set(name, 2)
  return address
}

/**
 * A socket that is connected to a socket file, close-on-exec.
 *
 * @param path - Longer than an address can be, it is reached through its folder (and `/proc`).
 * @param type - `SOCK_STREAM`, `SOCK_DGRAM` or `SOCK_SEQPACKET`. With `SOCK_NONBLOCK` it fails with `EAGAIN`
 *   instead of waiting for room in the server's queue.
 * @throws {@link SyscallError} `ENOENT`: no such file; `ECONNREFUSED`: nobody listens; `EPROTOTYPE`: of another type.
 */
export function connectUnix(path: string, type = SOCK_STREAM): number {
  using folder = Buffer.byteLength(path) > LONGEST_PATH ? openFolder(dirname(path)) : undefined
  const reachable = folder === undefined ? path : `/proc/self/fd/${folder.number}/${basename(path)}`
  const address = unixAddress(reachable)
  const connection = new Fd(socket(AF_UNIX, type, 0))
  try {
    syscall('connect', connection.number, address, address.length)
  } catch (error) {
    connection.close()
    throw error
  }
  return connection.release()
}

/**
 * The `struct msghdr` of a message that takes descriptors along (`SCM_RIGHTS`), for sendmsg(2) in programs.
 *
 * @param fds - At most 253. They stay open here.
 * @param bytes - At least one byte on a stream, which carries no descriptors without; of a datagram it may be none.
 */
export function messageWithFds(fds: readonly number[], bytes: Uint8Array): Words {
  const control = Buffer.alloc(CONTROL_HEADER + ((fds.length * 4 + 7) & ~7))
  control.writeBigUInt64LE(BigInt(CONTROL_HEADER + fds.length * 4), 0)
  control.writeInt32LE(SOL_SOCKET, 8)
  control.writeInt32LE(SCM_RIGHTS, 12)
  fds.forEach((fd, index) => control.writeInt32LE(fd, CONTROL_HEADER + index * 4))
  const text = `{fds: [${fds.join(', ')}], ${bytes.length} bytes}`
  return new Words([null, 0, new Words([bytes, bytes.length]), 1, control, control.length, 0], text)
}

/**
 * Sends bytes and a descriptor with them over a connected Unix socket, by one sendmsg(2). The descriptor travels
 * with the first byte, and stays open here. A peer that has gone is `EPIPE`, never a signal.
 *
 * @param bytes - At least one byte, but for datagrams.
 * @param flags - `MSG_*`; with `MSG_DONTWAIT` it fails with `EAGAIN` when nothing can be sent now.
 * @returns How many bytes were sent; fewer than there are where a stream has no room for more.
 */
export function sendFd(socket: number, fd: number, bytes: Uint8Array, flags = 0): number {
  return syscall('sendmsg', socket, messageWithFds([fd], bytes), flags | MSG_NOSIGNAL)
}

/**
 * Receives what {@link sendFd} sends: bytes, and a descriptor where one came along. Of several descriptors in one
 * message it takes the first, and the kernel closes the others.
 *
 * @param size - Room for the bytes. A stream keeps the rest for the next call; of a datagram it is lost.
 * @param flags - `MSG_*`.
 */
export function receiveFd(socket: number, size = 4096, flags = 0): ReceivedFd {
  const buffer = Buffer.alloc(size)
  const { length, fds } = recvFds(socket, buffer, flags, 1)
  return { fd: fds[0], bytes: buffer.subarray(0, length) }
}

// sun_path has 108 bytes, the last one for the NUL
const LONGEST_PATH = 107
const CONTROL_HEADER = 16

function openFolder(path: string): Fd {
  return new Fd(syscall('openat', AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0))
}
