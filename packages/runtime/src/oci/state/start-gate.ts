import { constants, openSync, readSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import {
  AT_FDCWD,
  Fd,
  isSyscallError,
  mknodat,
  onReadable,
  parseReport,
  REPORT_SIZE,
  S_IFIFO,
  syscall,
  type FailureReport,
} from '@ctr/linux'
import { AT_GATE, type Gate } from '@ctr/namespaces'

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** Name of the pipe that a created container waits at. */
const START_FIFO = 'start.fifo'
/** Name of the pipe that it reports to. */
const RESULT_FIFO = 'result.fifo'

/** The gate of a container that is being made; disposing of it closes what is open, and leaves the gate. */
export interface StartGate extends Gate, Disposable {
  /** Closes the child's ends, once the child has them: without this its end would not be seen. */
  closeChildEnds(): void
}

/**
 * Makes the gate that a container waits at between `create` and `start`: two named pipes in its folder, so that
 * another process can open it.
 *
 * @param folder - The container's folder, in which there is no gate yet.
 */
export function makeStartGate(folder: string): StartGate {
  const [start, result] = [join(folder, START_FIFO), join(folder, RESULT_FIFO)]
  mknodat(AT_FDCWD, start, S_IFIFO + 0o600)
  mknodat(AT_FDCWD, result, S_IFIFO + 0o600)
  // open for writing as well, the child sees no end of the pipe and waits, whoever comes and goes on the other side
  const wait = new Fd(openSync(start, O_RDWR))
  const reports = new Fd(openSync(result, O_RDONLY | O_NONBLOCK))
  const report = new Fd(openSync(result, O_WRONLY))
  const closeChildEnds = (): void => {
    wait.close()
    report.close()
  }
  return {
    wait: wait.number,
    report: report.number,
    reports: reports.number,
    closeChildEnds,
    [Symbol.dispose]() {
      closeChildEnds()
      reports.close()
    },
  }
}

/**
 * True while a process waits at the gate: until it executes its command, or ends. The pipe alone does not tell,
 * whoever let it go on may have been killed before it removed the pipe.
 */
export function isWaitingAtGate(folder: string): boolean {
  const fd = openForWriting(folder)
  fd?.close()
  return fd !== undefined
}

/** A gate as `start` has it. */
export class OpenGate implements Disposable {
  readonly #folder: string
  readonly #start: Fd
  readonly #reports: Fd

  constructor(folder: string, start: Fd, reports: Fd) {
    this.#folder = folder
    this.#start = start
    this.#reports = reports
  }

  /**
   * Lets the process go on, and removes the gate.
   *
   * @returns False when the process has ended meanwhile.
   */
  release(): boolean {
    let alive = true
    try {
      syscall('write', this.#start.number, new Uint8Array(1), 1)
    } catch (error) {
      if (!isSyscallError(error) || error.code !== 'EPIPE') throw error
      alive = false
    }
    removeGate(this.#folder)
    return alive
  }

  /**
   * What has become of the process that was let go.
   *
   * @returns The failure that it has reported; undefined when it has executed its command, or was killed before it
   *   could.
   */
  async outcome(): Promise<FailureReport | undefined> {
    const bytes = Buffer.alloc(REPORT_SIZE)
    for (;;) {
      const length = readOr(this.#reports.number, bytes)
      if (length === 0) return undefined
      if (length === undefined) {
        await new Promise<void>((resolve) => onReadable(this.#reports.number, resolve))
        continue
      }
      // reports are written whole; that it had come to its gate is still there when nobody waited for it
      const report = parseReport(bytes)
      if (report.entry !== AT_GATE) return report
    }
  }

  [Symbol.dispose](): void {
    this.#start.close()
    this.#reports.close()
  }
}

/**
 * Opens the gate of a container, in whatever process.
 *
 * @param folder - The container's folder.
 * @returns Undefined when nobody waits there: it was started already, or has ended.
 */
export function openGate(folder: string): OpenGate | undefined {
  const reports = openOr(() => openSync(join(folder, RESULT_FIFO), O_RDONLY | O_NONBLOCK))
  if (reports === undefined) return undefined
  try {
    // opened last: whoever waits now has had the other pipe open since, so that its end will be seen there
    const start = openForWriting(folder)
    if (start !== undefined) return new OpenGate(folder, start, reports)
  } catch (error) {
    reports.close()
    throw error
  }
  reports.close()
  return undefined
}

/** Removes the pipes; does nothing where there are none. */
export function removeGate(folder: string): void {
  for (const name of [START_FIFO, RESULT_FIFO]) {
    try {
      unlinkSync(join(folder, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function openForWriting(folder: string): Fd | undefined {
  return openOr(() => openSync(join(folder, START_FIFO), O_WRONLY | O_NONBLOCK))
}

/** Undefined where there is no pipe, or nobody at its other end. */
function openOr(open: () => number): Fd | undefined {
  try {
    return new Fd(open())
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENXIO') return undefined
    throw error
  }
}

/** Bytes read, 0 at the end, undefined when there is nothing yet. */
function readOr(fd: number, bytes: Buffer): number | undefined {
  try {
    return readSync(fd, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}
