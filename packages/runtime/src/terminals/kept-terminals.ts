import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { TerminalStream } from '../setup/terminal-stream.js'
import { KeeperNote } from './keeper-note.js'
import { startKeeper } from './keeper-process.js'
import { idOf, type TerminalQueue } from './terminal-queue.js'

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
  /** Tells which containers there are, or are being made, at this instant. */
  readonly known: () => (id: string) => boolean
}

/**
 * Terminals of containers that outlive their runtime. The kernel ends what runs on a terminal when nobody has our side
 * of it open any more, so a process has it open besides: one for all terminals of a runtime, which is started with the
 * first and ended with the last. What is printed while nobody reads stays in the terminal, and a program that prints
 * more waits.
 *
 * A terminal is kept until it was read to its end, or its container is started again or removed.
 */
export class KeptTerminals {
  readonly #path: string
  readonly #place: TerminalsPlace
  #isPossible = true

  /** @param path - Of the note that says who keeps them. */
  constructor(path: string, place: TerminalsPlace) {
    this.#path = path
    this.#place = place
  }

  /**
   * Keeps a terminal, and none that the container has had before.
   *
   * @returns Undefined where that is not possible: it ends with this process.
   * @throws {@link RuntimeError} `ERR_RUNTIME_LIMIT`, `ERR_RUNTIME_START`; `SyscallError`.
   */
  async keep(id: string, master: number): Promise<KeptTerminal | undefined> {
    const key = `${id}-${randomBytes(6).toString('hex')}`
    const add = (queue: TerminalQueue): KeptTerminal => {
      this.#retain(queue, (other) => idOf(other) !== id)
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
   * Opens the terminal of a container that another process has started.
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

  /** Gives up those of containers that are no more. */
  sweep(): void {
    this.#giveUp(() => true)
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
