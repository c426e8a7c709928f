import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { TerminalStream } from '../setup/terminal-stream.js'
import { KeeperNote } from './keeper-note.js'
import { startKeeper } from './keeper-process.js'
import { idOf, type TerminalQueue } from './terminal-queue.js'

/** Of those that are no more many are given up at once, and their keeper does not come and go with each. */
const sweepAfterMs = 1000

/** A terminal that outlives this process. */
export interface KeptTerminal {
  /** It is given up once its stream was read to its end. */
  until(stream: TerminalStream): void
}

/** What the terminals of a runtime need to know, when there are some. */
export interface TerminalsPlace {
  /** Identifies this boot. */
  readonly bootId: () => string
  /** Files `cgroup.procs` of the groups that who keeps them is to be in. */
  readonly groups: () => readonly string[]
  /** Tells which containers and programs there are, or are being made, at this instant. */
  readonly known: () => (id: string) => boolean
}

/**
 * Terminals of containers, and of programs that run in them besides, that outlive their runtime. The kernel ends what runs on a terminal when nobody has our side
 * of it open any more, so a process has it open besides: one for all terminals of a runtime, which is started with the
 * first and ended with the last. What is printed while nobody reads stays in the terminal, and a program that prints
 * more waits.
 *
 * A container's terminal is kept until it was read to its end, or its container is started again or removed; that of
 * another program until soon after its end.
 */
export class KeptTerminals {
  readonly #path: string
  readonly #place: TerminalsPlace
  #isPossible = true
  #sweeping: NodeJS.Timeout | undefined

  /** @param path - Of the note that says who keeps them. */
  constructor(path: string, place: TerminalsPlace) {
    this.#path = path
    this.#place = place
  }

  /**
   * Keeps a terminal, and none that the container has had before.
   *
   * @param id - Of the container, or name of the program.
   * @param isFirst - It has had none before.
   * @returns Undefined where that is not possible: it ends with this process.
   * @throws {@link RuntimeError} `ERR_RUNTIME_LIMIT`, `ERR_RUNTIME_START`; `SyscallError`.
   */
  async keep(
    id: string,
    master: number,
    { isFirst = false }: { readonly isFirst?: boolean } = {},
  ): Promise<KeptTerminal | undefined> {
    const key = `${id}-${randomBytes(6).toString('hex')}`
    const add = (queue: TerminalQueue): KeptTerminal => {
      if (!isFirst) this.#retain(queue, (other) => idOf(other) !== id)
      queue.add(key, master)
      return this.#kept(key)
    }
    for (;;) {
      const kept = this.#withQueue(add)
      if (kept !== undefined) return kept
      if (!(await this.#start())) return undefined // else there is one now, ours or another's
    }
  }

  /**
   * Opens the terminal of a container, or of a program, that another process has started.
   *
   * @returns Undefined where none was kept.
   */
  open(id: string): TerminalStream | undefined {
    const found = this.#withQueue((queue) => queue.find(id))
    if (found === undefined) return undefined
    const stream = new TerminalStream(found.master.release())
    this.#kept(found.key).until(stream)
    return stream
  }

  /** Gives up those of a container. Idempotent. */
  forget(id: string): void {
    this.#giveUp((key) => idOf(key) !== id)
  }

  /** Gives up those of containers and programs that are no more. */
  sweep(): void {
    this.#giveUp(() => true)
  }

  /** The same in a moment. */
  sweepSoon(): void {
    this.#sweeping ??= setTimeout(() => this.#sweepNow(), sweepAfterMs).unref()
  }

  /** Gives up what was to be given up soon. */
  close(): void {
    if (this.#sweeping !== undefined) this.#sweepNow()
  }

  #sweepNow(): void {
    clearTimeout(this.#sweeping)
    this.#sweeping = undefined
    try {
      this.sweep()
    } catch {
      // whoever opens the runtime next gives them up
    }
  }

  #kept(key: string): KeptTerminal {
    return {
      until: (stream) => {
        stream.once('end', () => {
          try {
            this.#giveUp((other) => other !== key)
          } catch {
            // it is given up with its container then
          }
        })
      },
    }
  }

  #giveUp(stays: (key: string) => boolean): void {
    if (!existsSync(this.#path)) return
    using note = this.#lock()
    using queue = note.open()
    if (queue === undefined || this.#retain(queue, stays) === 0) note.end()
  }

  #retain(queue: TerminalQueue, stays: (key: string) => boolean): number {
    const isKnown = this.#place.known()
    return queue.retain((key) => stays(key) && isKnown(idOf(key)))
  }

  #withQueue<T>(use: (queue: TerminalQueue) => T): T | undefined {
    if (!existsSync(this.#path)) return undefined
    using note = this.#lock()
    using queue = note.open()
    return queue && use(queue)
  }

  /** Starts a keeper, where there is none. */
  async #start(): Promise<boolean> {
    if (!this.#isPossible) return false
    using keeper = await startKeeper(this.#place.groups())
    this.#isPossible = keeper !== undefined
    if (keeper === undefined) return false
    using note = this.#lock()
    using queue = note.open()
    if (queue === undefined) note.take(keeper)
    return true
  }

  #lock(): KeeperNote {
    return new KeeperNote(this.#path, this.#place.bootId())
  }
}
