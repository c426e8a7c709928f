import type { Context } from '../context.js'
import type { ContainerRecord } from './record.js'
import { foundProcess, type WatchedProcess } from './watched-process.js'

/** The first process of a container: ours, or one that is looked for when it is first needed. */
export class FirstProcess {
  readonly #context: Context
  #known: WatchedProcess | undefined
  #lookedFor: boolean

  /** @param own - Our own child, where this process has started it. */
  constructor(context: Context, own: WatchedProcess | undefined) {
    this.#context = context
    this.#known = own
    this.#lookedFor = own !== undefined
  }

  /** The process; undefined once the container has ended. */
  of(record: ContainerRecord): WatchedProcess | undefined {
    if (!this.#lookedFor && record.status === 'running') {
      this.#lookedFor = true
      this.#known = foundProcess(this.#context, record)
    }
    return this.#known
  }

  /** Whoever waits for its end keeps our process alive. */
  ref(): void {
    this.#known?.ref()
  }

  /** Stops watching it. */
  release(): void {
    this.#known?.release()
  }

  /** Stops watching one that was found, until it is needed again. */
  forget(): void {
    this.release()
    this.#known = undefined
    this.#lookedFor = false
  }
}
