/** How long one who has other bytes to read before is waited for. */
const patienceMs = 100

/** Bytes of a blob that a reader may use until they are given back. */
export class LentPiece {
  /** Where in the blob they are. */
  readonly position: number
  /** Resolves once nobody uses them any more. */
  readonly returned: Promise<void>
  #bytes: Buffer | undefined
  #settle!: () => void
  readonly #timer: NodeJS.Timeout

  constructor(position: number, bytes: Buffer) {
    this.position = position
    this.#bytes = bytes
    this.returned = new Promise((resolve) => (this.#settle = resolve))
    this.#timer = setTimeout(() => this.giveBack(), patienceMs)
  }

  /** The bytes; undefined when it is too late. Once. */
  take(): Buffer | undefined {
    clearTimeout(this.#timer)
    return this.#bytes
  }

  /** Idempotent. */
  giveBack(): void {
    clearTimeout(this.#timer)
    this.#bytes = undefined
    this.#settle()
  }
}
