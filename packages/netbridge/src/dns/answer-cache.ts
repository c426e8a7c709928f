import { codeOf, isTruncated, rcodes, type Query } from './message.js'
import { aged, secondsToLive } from './time-to-live.js'

const entries = 1000
const largest = 4096
/** Nothing is kept longer, however long it may be. */
const longest = 3600

interface Kept {
  readonly bytes: Buffer
  readonly since: number
  readonly until: number
}

/** Answers of others for as long as they say, the ones that were asked for least recently given up first. */
export class AnswerCache {
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()

  /** @param now - Seconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now
  }

  /** An answer for a query, with what is left of its time; undefined when there is none. */
  get(query: Query): Buffer | undefined {
    const key = keyOf(query)
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    const now = this.#now()
    if (now >= kept.until) return undefined
    this.#kept.set(key, kept)
    return aged(kept.bytes, Math.floor(now - kept.since))
  }

  set(query: Query, bytes: Buffer): void {
    const code = codeOf(bytes)
    if (
      isTruncated(bytes) ||
      bytes.length > largest ||
      (code !== rcodes.noError && code !== rcodes.nameError)
    ) {
      return
    }
    const seconds = Math.min(secondsToLive(bytes), longest)
    if (seconds === 0) return
    const now = this.#now()
    this.#kept.set(keyOf(query), { bytes: Buffer.from(bytes), since: now, until: now + seconds })
    if (this.#kept.size > entries) this.#kept.delete(this.#kept.keys().next().value!)
  }
}

/** Askers that take different things get different answers. */
export function keyOf({ question, edns, dnssec }: Query): string {
  return `${edns ? 'e' : ''}${dnssec ? 'd' : ''} ${question.toString('latin1')}`
}
