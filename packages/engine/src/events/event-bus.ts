import { limits } from '../http/limits.js'

/** What the event is about. */
export type EventType = 'container' | 'image' | 'volume' | 'network' | 'daemon'

/** An event as Docker writes it. */
export interface EngineEvent {
  /** Of containers and images, for clients of old versions. */
  readonly status?: string
  readonly id?: string
  readonly from?: string
  readonly Type: EventType
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
  readonly scope: 'local'
  /** Seconds since 1970. */
  readonly time: number
  /** The same in nanoseconds: more than a number holds exactly. */
  readonly timeNano: number
}

const { number: kept, characters: keptLength } = limits.pastEvents

/** Tells of what happens, in order, and remembers the last events: 256, or fewer where they are long. */
export class EventBus {
  readonly #past: EngineEvent[] = []
  #pastLength = 0
  readonly #listeners = new Set<(event: EngineEvent) => void>()

  /** Tells everybody of an event. */
  emit(type: EventType, action: string, id: string, attributes: Readonly<Record<string, string>> = {}): void {
    const now = Date.now()
    const old =
      type === 'container'
        ? { status: action, id, ...(attributes['image'] === undefined ? {} : { from: attributes['image'] }) }
        : type === 'image'
          ? { status: action, id }
          : {}
    const event: EngineEvent = {
      ...old,
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: 'local',
      time: Math.floor(now / 1000),
      timeNano: now * 1e6,
    }
    this.#remember(event)
    for (const listener of this.#listeners) listener(event)
  }

  #remember(event: EngineEvent): void {
    this.#past.push(event)
    this.#pastLength += lengthOf(event)
    while (this.#past.length > kept || this.#pastLength > keptLength)
      this.#pastLength -= lengthOf(this.#past.shift()!)
  }

  /** Events of the past, oldest first. */
  past(): readonly EngineEvent[] {
    return [...this.#past]
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size
  }

  /** Calls `listener` for every event from now on. It must not throw. */
  listen(listener: (event: EngineEvent) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }
}

function lengthOf({ Actor: { Attributes } }: EngineEvent): number {
  let length = 0
  for (const [name, value] of Object.entries(Attributes)) length += name.length + value.length
  return length
}
