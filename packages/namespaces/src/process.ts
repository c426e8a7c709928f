import { closeSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { onReadable, pidfdSendSignal, waitid, type ExitStatus, type ReadyWait } from '@ctr/linux'

/** The parent's ends of a process's standard streams, where they are pipes. */
export interface ParentStreams {
  readonly stdin: number | undefined
  readonly stdout: number | undefined
  readonly stderr: number | undefined
}

/**
 * A running process, ours to wait for. It keeps the event loop alive until it has ended, unless it is
 * `unref`ed. Disposing of it kills it.
 */
export class SpawnedProcess implements AsyncDisposable {
  /** Process id in this process's pid namespace. */
  readonly pid: number
  /** Descriptor of the process; open until the process has ended. Use it to join its namespaces. */
  readonly pidfd: number
  /** Writes to the process's standard input; null unless `'pipe'`. */
  readonly stdin: Writable | null
  /** Reads from its standard output; null unless `'pipe'`. */
  readonly stdout: Readable | null
  /** Reads from its standard error; null unless `'pipe'`. */
  readonly stderr: Readable | null

  readonly #exit: Promise<ExitStatus>
  readonly #wait: ReadyWait
  #ended = false

  constructor(pid: number, pidfd: number, streams: ParentStreams) {
    this.pid = pid
    this.pidfd = pidfd
    this.stdin = streams.stdin === undefined ? null : pipeOf(streams.stdin, 'writable')
    this.stdout = streams.stdout === undefined ? null : pipeOf(streams.stdout, 'readable')
    this.stderr = streams.stderr === undefined ? null : pipeOf(streams.stderr, 'readable')
    let wait: ReadyWait | undefined
    this.#exit = new Promise((resolve) => {
      wait = onReadable(pidfd, () => {
        this.#ended = true
        resolve(waitid(pidfd))
        closeSync(pidfd)
      })
    })
    this.#wait = wait!
  }

  /** Resolves when the process has ended, with its exit code or the signal that ended it. */
  wait(): Promise<ExitStatus> {
    return this.#exit
  }

  /**
   * Sends a signal, by number.
   *
   * @returns False when the process has ended already.
   */
  kill(signal: number): boolean {
    return !this.#ended && pidfdSendSignal(this.pidfd, signal)
  }

  /** The process no longer keeps the event loop alive. */
  unref(): void {
    this.#wait.unref()
  }

  /** The process keeps the event loop alive again. */
  ref(): void {
    this.#wait.ref()
  }

  /** Kills the process and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill(9)
    await this.#exit
    this.stdin?.destroy()
    this.stdout?.destroy()
    this.stderr?.destroy()
  }
}

/** Our end of a pipe. What Node has of networks is loaded with the first one: it takes milliseconds. */
function pipeOf(fd: number, direction: 'readable' | 'writable'): Socket {
  const { Socket } = process.getBuiltinModule('node:net')
  return new Socket({ fd, readable: direction === 'readable', writable: direction === 'writable' })
}
