import { ApiError } from '../errors.js'
import { limits } from '../http/limits.js'
import type { ExecBody } from '../http/schemas/create-container.js'
import { ExecSession, type ExecListener } from './exec-session.js'
import type { ManagedContainer } from './managed-container.js'

const { bytes: mostBytes, number: mostNumber } = limits.execs
/** So many stay when there are too many that are over: not each new one is to look for the oldest. */
const fewer = (mostNumber * 3) / 4

/** All programs that clients have made in containers. Those that do not run are forgotten with the daemon. */
export class ExecSessions {
  readonly #all = new Map<string, ExecSession>()
  readonly #listener: ExecListener
  readonly #keptMs: number
  /** At least what all of them keep. */
  #bytes = 0
  #forgetting: NodeJS.Timeout | undefined

  /** @param keptMs - How long those are kept at least that are over. */
  constructor(listener: ExecListener, { keptMs = limits.execs.keptMs }: { readonly keptMs?: number } = {}) {
    this.#listener = listener
    this.#keptMs = keptMs
  }

  /** @throws `ApiError` 429: there are too many that were not started, or they are too large. */
  add(container: ManagedContainer, body: ExecBody): ExecSession {
    const session = ExecSession.make(container, body, this.#listener)
    this.#makeRoom(session.bytes)
    this.#keep(session)
    return session
  }

  /** Takes up those of a container that another daemon has started. */
  takeUp(container: ManagedContainer): void {
    for (const kept of container.handle.execs()) {
      try {
        this.#keep(ExecSession.takeUp(container, kept, this.#listener))
      } catch (error) {
        kept[Symbol.dispose]()
        this.#listener.onError(error) // what was noted with it is damaged
      }
    }
  }

  /** Ids of those of a container that run, or are to. */
  idsOf(container: ManagedContainer): string[] {
    const ids: string[] = []
    for (const [id, session] of this.#all)
      if (session.container === container && !session.isOver) ids.push(id)
    return ids
  }

  /** The daemon ends: they go on. */
  letGo(): void {
    clearTimeout(this.#forgetting)
    for (const session of this.#all.values()) session.letGo()
  }

  /** @throws `ApiError` 404. */
  get(id: string): ExecSession {
    const session = this.#all.get(id)
    if (session === undefined) throw new ApiError(404, `No such exec instance: ${id}`)
    return session
  }

  #keep(session: ExecSession): void {
    this.#all.set(session.id, session)
    this.#bytes += session.bytes
    this.#forgetLater()
  }

  /** The oldest that are over go: clients ask for their exit codes soon. */
  #makeRoom(wanted: number): void {
    if (this.#bytes + wanted <= mostBytes && this.#all.size < mostNumber) return
    const all = [...this.#all.values()]
    const over = all.filter(({ isOver }) => isOver)
    const waiting = all.filter((session) => !session.isOver && !session.isRunning).length
    this.#bytes = all.reduce((sum, { bytes }) => sum + bytes, 0)
    let left = over.length
    const most = left > fewer && this.#all.size >= mostNumber ? fewer : left
    for (const { id, bytes } of over) {
      if (this.#bytes + wanted <= mostBytes && left <= most) break
      this.#all.delete(id)
      this.#bytes -= bytes
      left--
    }
    if (waiting >= mostNumber)
      throw new ApiError(429, `cannot make another exec: ${waiting} were made and not started; start them`)
    if (this.#bytes + wanted > mostBytes)
      throw new ApiError(
        429,
        `cannot make another exec: it has ${wanted} bytes, and those that run or were not started ${this.#bytes} of ${mostBytes}; start them`,
      )
  }

  /** As Docker: what is over twice in a row goes. */
  #forgetLater(): void {
    this.#forgetting ??= setTimeout(() => {
      this.#forgetting = undefined
      for (const [id, session] of this.#all) {
        if (session.canRemove) this.#all.delete(id)
        else session.canRemove = session.isOver
      }
      if (this.#all.size > 0) this.#forgetLater()
    }, this.#keptMs).unref()
  }
}
