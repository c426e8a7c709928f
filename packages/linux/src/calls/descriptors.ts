import { closeSync } from 'node:fs'
import { isNativeLoaded } from '../native.js'
import { syscall, syscallOr } from '../syscall.js'
import { out } from '../program/argument.js'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN } from '../constants/process.js'

/** close(2). A descriptor is gone even when the kernel reports an error for it, except for `EBADF`. */
export function closeFd(fd: number): void {
  // what makes system calls takes milliseconds to load, and until it is, all descriptors are Node's
  if (!isNativeLoaded()) closeSync(fd)
  else syscallOr(['EINTR', 'EIO', 'ENOSPC', 'EDQUOT'], 'close', fd)
}

/** pipe2(2): the reading and the writing end. */
export function pipe2(flags: number): [read: number, write: number] {
  const ends = Buffer.alloc(8)
  syscall('pipe2', out(ends), flags)
  return [ends.readInt32LE(0), ends.readInt32LE(4)]
}

/** flock(2): `LOCK_SH`, `LOCK_EX` or `LOCK_UN`, each with `LOCK_NB` to fail with `EAGAIN` rather than wait. */
export function flock(fd: number, operation: number): void {
  syscall('flock', fd, operation)
}

/** epoll_create1(2), close-on-exec. */
export function epollCreate(): number {
  return syscall('epoll_create1', EPOLL_CLOEXEC)
}

/** epoll_ctl(2): from now on `epoll` is ready when `fd` is readable, or has another of `events`. */
export function epollAdd(epoll: number, fd: number, events = EPOLLIN): void {
  const event = Buffer.alloc(eventSize)
  event.writeUInt32LE(events, 0)
  event.writeInt32LE(fd, eventData)
  syscall('epoll_ctl', epoll, EPOLL_CTL_ADD, fd, event)
}

/** epoll_ctl(2): `fd` is no longer reported. One that was closed meanwhile is not reported either. */
export function epollDelete(epoll: number, fd: number): void {
  syscallOr(['EBADF', 'ENOENT'], 'epoll_ctl', epoll, EPOLL_CTL_DEL, fd, null)
}

/** epoll_pwait(2) without waiting: descriptors that are readable now, at most 64. */
export function epollReady(epoll: number): number[] {
  const events = Buffer.alloc(eventSize * 64)
  const count = syscall('epoll_pwait', epoll, out(events), 64, 0, null, 8)
  return Array.from({ length: count }, (_, index) => events.readInt32LE(index * eventSize + eventData))
}

// struct epoll_event is packed on x86-64 and aligned elsewhere
const eventSize = process.arch === 'x64' ? 12 : 16
const eventData = process.arch === 'x64' ? 4 : 8
