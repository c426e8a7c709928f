import { ApiError } from '../errors.js'
import type { ExecBody } from '../http/schemas/create-container.js'
import { ExecSession, type ExecListener } from './exec-session.js'
import type { ManagedContainer } from './managed-container.js'

const keptAfterEnd = 1000

/** All programs that clients have made in containers. Those that do not run are forgotten with the daemon. */
export class ExecSessions {
  readonly #all = new Map<string, ExecSession>()
  readonly #listener: ExecListener

  constructor(listener: ExecListener) {
    this.#listener = listener
  }

  add(container: ManagedContainer, body: ExecBody): ExecSession {
    const session = ExecSession.make(container, body, this.#listener)
    this.#all.set(session.id, session)
    this.#forgetOld()
    return session
  }

  /** Takes up those of a container that another daemon has started. */
  takeUp(container: ManagedContainer): void {
    for (const kept of container.handle.execs()) {
      try {
        this.#all.set(kept.id, ExecSession.takeUp(container, kept, this.#listener))
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
      if (session.container === container && session.exitCode === null) ids.push(id)
    return ids
  }

  /** The daemon ends: they go on. */
  letGo(): void {
    for (const session of this.#all.values()) session.letGo()
  }

  /** @throws `ApiError` 404. */
  get(id: string): ExecSession {
    const session = this.#all.get(id)
    if (session === undefined) throw new ApiError(404, `No such exec instance: ${id}`)
    return session
  }

  /** The oldest that have ended go: clients ask for their exit codes soon. */
  #forgetOld(): void {
    if (this.#all.size <= keptAfterEnd) return
    for (const [id, { isRunning }] of this.#all) {
      if (isRunning) continue
      this.#all.delete(id)
      if (this.#all.size <= keptAfterEnd) return
    }
  }
}
