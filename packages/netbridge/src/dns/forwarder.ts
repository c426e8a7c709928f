import { setMaxListeners } from 'node:events'
import { AnswerCache, keyOf } from './answer-cache.js'
import { codeOf, isTruncated, rcodes, readdressed, writeFailure, type Query } from './message.js'
import { exchange } from './upstream.js'

/** Each server is asked so often before the asker is told that none answers. */
const rounds = 2
const timeoutMs = 2000
/** How many questions may be on their way at once: of all, and of one asker, whose flood is then not the others'. */
const mostPending = 1000
const mostPendingOfOne = 100

/** Asks others what no endpoint of the network is, and keeps what they say for as long as they say. */
export class Forwarder {
  readonly #servers: () => readonly string[]
  readonly #cache = new AnswerCache()
  readonly #pending = new Map<string, Promise<Buffer | undefined>>()
  readonly #pendingOf = new Map<string, number>()
  readonly #ended = new AbortController()

  /** @param servers - Addresses to ask, in order; read for each question. */
  constructor(servers: () => readonly string[]) {
    this.#servers = servers
    setMaxListeners(mostPending + 1, this.#ended.signal)
  }

  /** An answer, of theirs or that there is none. */
  async answer(query: Query, asker: string, tcp: boolean): Promise<Buffer> {
    const kept = this.#cache.get(query)
    if (kept !== undefined) return readdressed(kept, query)
    const found = await this.#together(query, asker, tcp)
    return found === undefined ? writeFailure(query, rcodes.serverFailure) : readdressed(found, query)
  }

  /** Gives up what is on its way. */
  close(): void {
    this.#ended.abort()
  }

  /** One question for all who ask the same. */
  #together(query: Query, asker: string, tcp: boolean): Promise<Buffer | undefined> {
    const key = `${tcp} ${keyOf(query)}`
    const underWay = this.#pending.get(key)
    if (underWay !== undefined) return underWay
    const ofAsker = this.#pendingOf.get(asker) ?? 0
    if (this.#pending.size >= mostPending || ofAsker >= mostPendingOfOne) return Promise.resolve(undefined)
    this.#pendingOf.set(asker, ofAsker + 1)
    const asking = this.#ask(query, tcp).finally(() => {
      this.#pending.delete(key)
      const left = this.#pendingOf.get(asker)! - 1
      if (left === 0) this.#pendingOf.delete(asker)
      else this.#pendingOf.set(asker, left)
    })
    this.#pending.set(key, asking)
    return asking
  }

  async #ask(query: Query, tcp: boolean): Promise<Buffer | undefined> {
    let refused: Buffer | undefined
    const { signal } = this.#ended
    for (let round = 0; round < rounds; round++) {
      for (const server of this.#servers()) {
        if (signal.aborted) return undefined
        try {
          const answer = await exchange(query, tcp, { server, timeoutMs, signal })
          const code = codeOf(answer)
          if (code === rcodes.noError || code === rcodes.nameError) {
            if (!isTruncated(answer)) this.#cache.set(query, answer)
            return answer
          }
          refused = answer // another one may know
        } catch {
          // the next, or the same once more
        }
      }
      if (refused !== undefined) return refused
    }
    return undefined
  }
}
