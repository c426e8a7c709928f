import type { Message } from '../dbus/message.js'
import type { Value } from '../dbus/value.js'

/** Interface of systemd itself, among those of its units. */
export const MANAGER_INTERFACE = 'org.freedesktop.systemd1.Manager'
/** Jobs of which the end may be known before their number is. */
const MOST_JOBS = 16

/** The ends of jobs of a unit, as systemd tells them to all. */
export class EndedJobs {
  readonly #unit: string
  readonly #found: { readonly sender: string | undefined; readonly job: string; readonly result: string }[] =
    []
  #changed: () => void = () => undefined

  constructor(unit: string) {
    this.#unit = unit
  }

  note(message: Message): void {
    if (
      message.interface !== MANAGER_INTERFACE ||
      message.member !== 'JobRemoved' ||
      message.signature !== 'uoss'
    )
      return
    const [, job, unit, result] = message.body() as [number, string, string, string]
    if (unit !== this.#unit) return
    this.#found.push({ sender: message.sender, job, result })
    if (this.#found.length > MOST_JOBS) this.#found.shift()
    this.#changed()
  }

  /**
   * How a job has ended.
   *
   * @param sender - Who has begun it: anybody on the bus may send us such a signal, and is not believed.
   */
  async of(sender: string | undefined, job: Value | undefined): Promise<string> {
    for (;;) {
      const found = this.#found.find((one) => one.sender === sender && one.job === job)
      if (found) return found.result
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}
