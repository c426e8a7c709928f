/**
 * Spreads work that keeps the thread for milliseconds over turns of the event loop: one piece a turn, in the order asked
 * for. Between them timers, sockets and answers have their time, however many containers begin and end at once. A piece
 * that is alone goes on at once.
 */
export class LoopTurns {
  readonly #waiting: (() => void)[] = []
  #taken = false

  /** Resolves when the piece that follows may be done. */
  async next(): Promise<void> {
    if (!this.#taken) {
      this.#take()
      return
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #take(): void {
    this.#taken = true
    setImmediate(() => {
      this.#taken = false
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#take()
      next()
    })
  }
}
