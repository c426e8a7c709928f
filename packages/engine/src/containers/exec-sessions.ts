import { ApiError } from '../errors.js'
import type { ExecBody } from '../http/schemas/create-container.js'
import { ExecSession } from './exec-session.js'
import type { ManagedContainer } from './managed-container.js'

const keptAfterEnd = 1000

/** All programs that clients have made in containers. They are forgotten with the daemon. */
export class ExecSessions {
  readonly #all = new Map<string, ExecSession>()

  /** @param onEnd - See {@link ExecSession}. */
  add(
    container: ManagedContainer,
    body: ExecBody,
    onEnd: (session: ExecSession, exitCode: number) => void,
  ): ExecSession {
    const session = new ExecSession(container, body, onEnd)
    this.#all.set(session.id, session)
    this.#forgetOld()
    return session
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
