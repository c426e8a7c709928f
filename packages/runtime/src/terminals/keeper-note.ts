import { fstatSync, ftruncateSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { Fd, flock, isSyscallError, LOCK_EX, pidfdGetfd, pidfdSendSignal, pidfdOpen } from '@ctr/linux'
import { startTicks } from '../host.js'
import { READING, WRITING, type StartedKeeper } from './keeper-process.js'
import { TerminalQueue } from './terminal-queue.js'

const SIGKILL = 9

interface Noted {
  readonly pid: number
  /** Tells it from a later process of the same id. */
  readonly startTicks: string | undefined
  readonly bootId: string
}

/**
 * The file that says which process is the keeper, locked: one process at a time changes what is kept. Whoever holds
 * it is done within the same turn of its event loop.
 *
 * What is half written is the note of a keeper that was not told to stay.
 */
export class KeeperNote implements Disposable {
  readonly #file: Fd
  readonly #path: string
  readonly #bootId: string

  /** Waits for the lock. */
  constructor(path: string, bootId: string) {
    this.#path = path
    this.#bootId = bootId
    this.#file = lock(path)
  }

  /** The queue of the keeper; undefined where there is none. */
  open(): TerminalQueue | undefined {
    using pidfd = this.#find()
    if (pidfd === undefined) return undefined
    const writing = getFd(pidfd.number, WRITING)
    const reading = writing && getFd(pidfd.number, READING)
    if (reading !== undefined) return new TerminalQueue(writing!, reading)
    writing?.close()
    return undefined
  }

  /** Takes a keeper that was started. */
  take(keeper: StartedKeeper): void {
    const { pid } = keeper
    const noted: Noted = { pid, startTicks: startTicks(pid), bootId: this.#bootId }
    ftruncateSync(this.#file.number)
    writeSync(this.#file.number, JSON.stringify(noted))
    keeper.stay()
  }

  /** Ends the keeper, where there is one, with what it keeps, and removes the file. */
  end(): void {
    using pidfd = this.#find()
    if (pidfd !== undefined) pidfdSendSignal(pidfd.number, SIGKILL)
    unlinkSync(this.#path)
  }

  [Symbol.dispose](): void {
    this.#file.close()
  }

  #find(): Fd | undefined {
    const noted = this.#read()
    if (noted?.startTicks === undefined || noted.bootId !== this.#bootId) return undefined
    let pidfd: Fd
    try {
      pidfd = new Fd(pidfdOpen(noted.pid))
    } catch (error) {
      if (isSyscallError(error) && error.code === 'ESRCH') return undefined
      throw error
    }
    if (startTicks(noted.pid) === noted.startTicks) return pidfd
    pidfd.close()
    return undefined
  }

  #read(): Noted | undefined {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Noted
    } catch (error) {
      if (error instanceof SyntaxError) return undefined
      throw error
    }
  }
}

function lock(path: string): Fd {
  for (;;) {
    const file = new Fd(openSync(path, 'a+', 0o600))
    try {
      flock(file.number, LOCK_EX)
      // whoever had it may have removed it: what is locked then is of nobody
      if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(file.number).ino) return file
    } catch (error) {
      file.close()
      throw error
    }
    file.close()
  }
}

/** Undefined when the process has just ended. */
function getFd(pidfd: number, number: number): Fd | undefined {
  try {
    return new Fd(pidfdGetfd(pidfd, number))
  } catch (error) {
    if (isSyscallError(error) && ['ESRCH', 'EBADF'].includes(error.code)) return undefined
    throw error
  }
}
