import { P_PID, P_PIDFD, WEXITED, WNOHANG } from '../constants/process.js'
import { out } from '../program/argument.js'
import { syscall, syscallOr } from '../syscall.js'

/** How a process ended: by itself with a code, or by a signal. */
export type ExitStatus =
  | { readonly exitCode: number; readonly signal: undefined }
  | { readonly exitCode: undefined; readonly signal: number }

const CLD_EXITED = 1

/**
 * Takes the status of a child that has ended, and the child out of the process table. Without `nowait` it
 * blocks this thread, and with it the event loop, until the child ends: call it once `onReadable` has called
 * back.
 *
 * @param pidfd - Descriptor of a child of this process.
 * @returns Its status; undefined while it runs (with `nowait`).
 * @throws {@link SyscallError} `ECHILD`: not our child, or reaped already.
 * @see {@link https://man7.org/linux/man-pages/man2/waitid.2.html}
 */
export function waitid(pidfd: number): ExitStatus
export function waitid(pidfd: number, options: { readonly nowait: true }): ExitStatus | undefined
export function waitid(pidfd: number, options: { readonly nowait?: boolean } = {}): ExitStatus | undefined {
  return waitFor(P_PIDFD, pidfd, options.nowait === true ? WEXITED + WNOHANG : WEXITED)
}

/** As `waitid`, for a child of which only the pid is known. */
export function waitidOfPid(pid: number): ExitStatus {
  return waitFor(P_PID, pid, WEXITED)!
}

function waitFor(kind: number, id: number, options: number): ExitStatus | undefined {
  const info = Buffer.alloc(128)
  syscall('waitid', kind, id, out(info), options, null)
  if (info.readInt32LE(16) === 0) return undefined // si_pid: nobody has ended
  const status = info.readInt32LE(24)
  return info.readInt32LE(8) === CLD_EXITED
    ? { exitCode: status, signal: undefined }
    : { exitCode: undefined, signal: status }
}

/** pidfd_open(2): a descriptor of a process, close-on-exec, readable when it ends. */
export function pidfdOpen(pid: number): number {
  return syscall('pidfd_open', pid, 0)
}

/**
 * pidfd_getfd(2): a descriptor of our own, close-on-exec, for what another process has open.
 *
 * @param fd - Number of the descriptor in that process.
 * @throws {@link SyscallError} `EPERM`: we may not trace it (ptrace(2)); `EBADF`: it has none of that number;
 *   `ESRCH`: it has ended, which may be `EBADF` as well.
 */
export function pidfdGetfd(pidfd: number, fd: number): number {
  return syscall('pidfd_getfd', pidfd, fd, 0)
}

/**
 * pidfd_send_signal(2).
 *
 * @param signal - Number of the signal; 0 only asks.
 * @returns False when the process has ended already.
 */
export function pidfdSendSignal(pidfd: number, signal: number): boolean {
  return syscallOr(['ESRCH'], 'pidfd_send_signal', pidfd, signal, null, 0) !== 'ESRCH'
}

// struct pidfd_info of linux/pidfd.h: mask, cgroupid, pid, tgid, ppid, 8 ids, exit_code
const PIDFD_INFO_SIZE = 64
const PIDFD_INFO_EXIT = 0x8
const PIDFD_GET_INFO = ((3 << 30) | (PIDFD_INFO_SIZE << 16) | (0xff << 8) | 11) >>> 0

/**
 * Status of a process that need not be a child, from its pidfd (`PIDFD_GET_INFO`, Linux 6.15 and later).
 *
 * @returns Its status; undefined while it runs, or until its parent has reaped it.
 * @throws {@link SyscallError} `ENOTTY` or `EINVAL` on kernels without it.
 */
export function pidfdExitStatus(pidfd: number): ExitStatus | undefined {
  const info = Buffer.alloc(PIDFD_INFO_SIZE)
  info.writeBigUInt64LE(BigInt(PIDFD_INFO_EXIT), 0)
  if (syscallOr(['ESRCH'], 'ioctl', pidfd, PIDFD_GET_INFO, out(info)) === 'ESRCH') return undefined
  if ((info.readUInt32LE(0) & PIDFD_INFO_EXIT) === 0) return undefined
  const status = info.readInt32LE(60)
  const signal = status & 0x7f
  return signal === 0
    ? { exitCode: (status >> 8) & 0xff, signal: undefined }
    : { exitCode: undefined, signal }
}
