/**
 * Takes care that two kinds of work never overlap: any number of one kind go on together, those of the other kind
 * wait until they are over.
 */
export class Turns {
  #running: { readonly kind: string; count: number } | undefined
  readonly #waiting: { readonly kind: string; readonly begin: () => void }[] = []

  /** Waits until only work of this kind goes on; dispose of the result when it is done. */
  async take(kind: string): Promise<Disposable> {
    if (this.#running === undefined) this.#running = { kind, count: 1 }
    else if (this.#running.kind === kind && this.#waiting.length === 0) this.#running.count++
    else await new Promise<void>((begin) => this.#waiting.push({ kind, begin }))
    return {
      [Symbol.dispose]: () => {
        this.#done()
      },
    }
  }

  #done(): void {
    if (--this.#running!.count > 0) return
    const kind = this.#waiting[0]?.kind
    this.#running = kind === undefined ? undefined : { kind, count: 0 }
    while (this.#waiting[0] !== undefined && this.#waiting[0].kind === kind) {
      this.#running!.count++
      this.#waiting.shift()!.begin()
    }
  }
}
