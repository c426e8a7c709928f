import { statSync } from 'node:fs'
import { AF_UNIX, connectUnix, Fd, receiveFd, SOCK_CLOEXEC, SOCK_STREAM, socketpair } from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import type { TerminalStream } from '../setup/terminal-stream.js'

/** Where our side of a process's terminal goes: to a socket of the caller, or to us. */
export interface TerminalTarget extends Disposable {
  /** Socket for the process to send it over; undefined where it has no terminal. */
  readonly socket: number | undefined
  /** It comes to us, not to a socket of the caller. */
  readonly ours: boolean
  /** Takes what the process has sent, where it was to be ours. */
  take(): Promise<TerminalStream | null>
}

export interface TerminalOptions {
  /** The config of the process asks for a terminal. */
  readonly wanted: boolean
  readonly consoleSocket: string | undefined
  /** Our side is to be ours. */
  readonly stream: boolean
}

const nowhere: TerminalTarget = {
  socket: undefined,
  ours: false,
  take: () => Promise.resolve(null),
  [Symbol.dispose]: () => undefined,
}

/**
 * Opens the way for a terminal.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a socket without a terminal, or the other way round.
 */
export function openTerminalTarget({ wanted, consoleSocket, stream }: TerminalOptions): TerminalTarget {
  if (!wanted) {
    if (consoleSocket === undefined) return nowhere
    throw invalid(
      'cannot use a console socket: the process has no terminal to allocate; set process.terminal',
    )
  }
  if (consoleSocket !== undefined) {
    const socket = new Fd(connect(consoleSocket))
    return {
      socket: socket.number,
      ours: false,
      take: () => Promise.resolve(null),
      [Symbol.dispose]: () => {
        socket.close()
      },
    }
  }
  if (!stream) {
    throw invalid(
      'cannot allocate tty if the process is detached without setting console socket: use --console-socket',
    )
  }
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_STREAM + SOCK_CLOEXEC, 0).map((fd) => new Fd(fd)) as [
    Fd,
    Fd,
  ]
  return {
    socket: theirs.number,
    ours: true,
    async take() {
      theirs.close()
      const { fd } = receiveFd(ours.number)
      if (fd === undefined) throw invalid('cannot take the terminal: the process has ended')
      const { TerminalStream } = await import('../setup/terminal-stream.js') // with Node's network code
      return new TerminalStream(fd)
    },
    [Symbol.dispose]() {
      ours.close()
      theirs.close()
    },
  }
}

function connect(path: string): number {
  try {
    return connectUnix(path)
  } catch (cause) {
    const exists = statSync(path, { throwIfNoEntry: false }) !== undefined
    const why = exists ? (cause as Error).message : 'no such file or directory'
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot connect to the console socket ${path}: ${why}`,
      {
        cause,
      },
    )
  }
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
