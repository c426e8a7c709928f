import type { ExitStatus } from '@ctr/linux'
import { findProcess, type WatchedProcess } from '../container/watched-process.js'
import type { Context } from '../context.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { execName, type ExecRecord } from './exec-records.js'

/** A program that was started by `exec` with `detach`, in this process or another one. */
export class KeptExec implements Disposable {
  /** What it was started as. */
  readonly id: string
  /** Process id on the host. */
  readonly pid: number
  /** What was to be kept with it. */
  readonly note: string
  readonly #context: Context
  readonly #name: string
  readonly #terminal: boolean
  readonly #process: WatchedProcess | undefined

  /** @internal */
  constructor(context: Context, record: ExecRecord) {
    this.#context = context
    this.id = record.id
    this.pid = record.pid
    this.note = record.note
    this.#name = execName(record.container, record.id)
    this.#terminal = record.terminal
    this.#process = findProcess(context, record, context.execs.pin(this.#name))
  }

  /**
   * Opens its terminal. Read it: a program that cannot write on waits.
   *
   * @returns Null where it has none, or none any more.
   * @throws `SyscallError`: `EPERM` where we may not trace the process that keeps it.
   */
  openTerminal(): TerminalStream | null {
    const { terminals, execs } = this.#context
    return this.#terminal && execs.has(this.#name) ? (terminals.open(this.#name) ?? null) : null
  }

  /** Resolves when it has ended, and nothing of it is kept any more; undefined when nobody saw how it has ended. */
  async wait(): Promise<ExitStatus | undefined> {
    const status = await this.#process?.wait()
    await this.#context.execs.remove(this.#name)
    if (this.#terminal) this.#context.terminals.sweepSoon()
    return status
  }

  /** Stops watching it. */
  [Symbol.dispose](): void {
    this.#process?.release()
  }
}
