import { Fd, F_DUPFD_CLOEXEC, syscall } from '@ctr/linux'
import type { SpawnedProcess } from '@ctr/namespaces'
import { pinProcess } from '../container/pin.js'
import type { Context } from '../context.js'
import { startTicks } from '../host.js'
import type { ExecDetachment } from '../options.js'
import { execName } from './exec-records.js'

/** Most programs whose output is read have ended before. */
const noteAfterMs = 20
/** To pin a program costs more than all the rest of it, and most have ended before. */
const pinAfterMs = 200

/** Streams of a program, as far as they matter here. */
export interface ExecStreams {
  /** Our side of its terminal, where it has one. */
  readonly master: number | undefined
  /** Somebody is at the other end of one of them: at the end of this process the program loses that in any case. */
  readonly isRead: boolean
}

/**
 * A program that is to outlive this process: it is noted until it ends, and its terminal is kept. What of that cannot be
 * done is told, and the program goes on.
 */
export class DetachedExec {
  readonly #context: Context
  readonly #container: string
  readonly #detachment: ExecDetachment
  readonly #streams: ExecStreams
  readonly #timers: NodeJS.Timeout[] = []
  #isNoted = false
  #hasEnded = false

  constructor(context: Context, container: string, detachment: ExecDetachment, streams: ExecStreams) {
    this.#context = context
    this.#container = container
    this.#detachment = detachment
    this.#streams = streams
  }

  /** It has been started. Resolves when it outlives this process; where somebody waits for what it prints, before. */
  async follow(process: SpawnedProcess): Promise<void> {
    const { master, isRead } = this.#streams
    process.unref()
    void process.wait().then(() => this.#forget())
    this.#after(pinAfterMs, () => {
      if (this.#isNoted) pinProcess(this.#context.execs.pin(this.#name), process.pidfd)
    })
    if (isRead && master === undefined) this.#after(noteAfterMs, () => this.#note(process.pid))
    else this.#attempt(() => this.#note(process.pid))
    if (!this.#isNoted || master === undefined) return
    // the stream that has it may be closed meanwhile
    const copy = this.#attempt(() => new Fd(syscall('fcntl', master, F_DUPFD_CLOEXEC, 3)))
    if (copy === undefined) return
    if (isRead) setImmediate(() => void this.#keep(copy))
    else await this.#keep(copy)
  }

  #forget(): void {
    this.#hasEnded = true
    for (const timer of this.#timers) clearTimeout(timer)
    if (!this.#isNoted) return
    this.#context.execs.remove(this.#name).catch(this.#onError)
    if (this.#streams.master !== undefined) this.#context.terminals.sweepSoon()
  }

  #note(pid: number): void {
    const { id, note = '' } = this.#detachment
    const terminal = this.#streams.master !== undefined
    const { execs, host } = this.#context
    execs.save({
      ...{ id, container: this.#container, pid, startTicks: startTicks(pid) ?? null, bootId: host.bootId },
      ...{ terminal, note },
    })
    this.#isNoted = true
  }

  async #keep(master: Fd): Promise<void> {
    using _master = master
    const { terminals } = this.#context
    await terminals.keep(this.#name, master.number, { isFirst: true }).catch(this.#onError)
    if (this.#hasEnded) terminals.sweepSoon()
  }

  #after(ms: number, step: () => void): void {
    this.#timers.push(setTimeout(() => this.#attempt(step), ms).unref())
  }

  #attempt<T>(step: () => T): T | undefined {
    try {
      return step()
    } catch (error) {
      this.#onError(error)
      return undefined
    }
  }

  readonly #onError = (error: unknown): void => this.#detachment.onError?.(error)

  get #name(): string {
    return execName(this.#container, this.#detachment.id)
  }
}
