import { openSync } from 'node:fs'
import {
  Fd,
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  setWindowSize,
  syscall,
  TIOCGPTPEER,
  TIOCSPTLCK,
  type WindowSize,
} from '@ctr/linux'

/** Both sides of a new terminal. */
export interface OpenTerminal extends Disposable {
  /** Our side: reads what the process prints, writes what is typed. */
  readonly master: number
  /** The process's side, for `terminal` of `spawn`; to be closed once the process is started. */
  readonly slave: number
  /** Closes the process's side here. Without that our side would not see its end. */
  closeSlave(): void
  /** Gives our side away: it is no longer closed with this. */
  releaseMaster(): number
}

/**
 * Opens a terminal in the devpts of this process (`/dev/ptmx`). Change its size with `setWindowSize` of `@ctr/linux`,
 * wrap `master` in a `tty.ReadStream`.
 *
 * @param size - Of its window. Default unknown (0 by 0).
 * @throws {@link SyscallError} Or Node's error of opening `/dev/ptmx`.
 */
export function openTerminal(size?: WindowSize): OpenTerminal {
  const master = new Fd(openSync('/dev/ptmx', O_RDWR + O_NOCTTY + O_CLOEXEC))
  try {
    syscall('ioctl', master.number, TIOCSPTLCK, Buffer.alloc(4))
    const slave = new Fd(syscall('ioctl', master.number, TIOCGPTPEER, O_RDWR + O_NOCTTY + O_CLOEXEC))
    if (size !== undefined) setWindowSize(master.number, size)
    return {
      master: master.number,
      slave: slave.number,
      closeSlave: () => {
        slave.close()
      },
      releaseMaster: () => master.release(),
      [Symbol.dispose]() {
        slave.close()
        master.close()
      },
    }
  } catch (error) {
    master.close()
    throw error
  }
}
