/** Bytes of one piece: what is made of fewer costs as many steps of as many threads. */
const pieceSize = 1024 * 1024

/** So many bytes do for a piece where somebody waits for one, */
const enough = 256 * 1024

/** and after so long any. */
const patienceMs = 20

/** Pieces that are full and wait at most. One more is being filled, and one is with who takes them. */
const mostFull = 2

/**
 * Bytes on their way from a connection to one who takes them piece by piece, in memory that is used again: memory that
 * is new costs more than what is done with it.
 */
export class PieceQueue {
  /** Told when there is room again, after {@link PieceQueue.isFull}. */
  onRoom: () => void = () => undefined
  readonly #spare: Buffer[] = []
  readonly #full: Buffer[] = []
  #filling: Buffer = Buffer.allocUnsafeSlow(pieceSize)
  #filled = 0
  #end: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined
  #isLate = false
  #timer: NodeJS.Timeout | undefined

  /** The part of memory that the next bytes go to. Never empty. */
  get room(): Uint8Array {
    return this.#filling.subarray(this.#filled)
  }

  /** True when no more should come now. */
  get isFull(): boolean {
    return this.#full.length >= mostFull
  }

  /** True while somebody waits for bytes. */
  get isWaiting(): boolean {
    return this.#wake !== undefined
  }

  /** Bytes have come. Those that are not at {@link PieceQueue.room} already are copied there. */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const { room } = this
      const length = Math.min(room.length, bytes.length - at)
      const isThere = room.buffer === bytes.buffer && room.byteOffset === bytes.byteOffset + at
      if (!isThere) room.set(bytes.subarray(at, at + length))
      at += length
      this.#filled += length
      if (this.#filled === pieceSize) this.#next()
    }
    if (this.#full.length > 0 || this.#filled >= enough) this.#tell()
    else this.#hurry()
  }

  /** Nothing more comes, because all is there or because of an error. The first call counts. */
  end(outcome: { readonly error?: unknown } = {}): void {
    this.#end ??= outcome
    this.#tell()
  }

  /** The pieces. Each stays as it is until the next one is asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    for (;;) {
      const least = this.#end !== undefined || this.#isLate ? 1 : enough
      if (this.#full.length === 0 && this.#filled >= least) this.#next()
      this.#isLate = false
      const piece = this.#full.shift()
      if (piece !== undefined) {
        if (this.#full.length === mostFull - 1) this.onRoom()
        yield piece
        this.#spare.push(Buffer.from(piece.buffer))
      } else if (this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
          this.#hurry()
        })
      } else if ('error' in this.#end) {
        throw this.#end.error
      } else return
    }
  }

  /** Closes a piece and begins another one. */
  #next(): void {
    this.#full.push(this.#filling.subarray(0, this.#filled))
    this.#filling = this.#spare.pop() ?? Buffer.allocUnsafeSlow(pieceSize)
    this.#filled = 0
  }

  /** Sees to it that one who waits gets what is there soon. */
  #hurry(): void {
    if (this.#wake === undefined || this.#filled === 0) return
    this.#timer ??= setTimeout(() => {
      this.#isLate = true
      this.#tell()
    }, patienceMs)
  }

  #tell(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wake?.()
    this.#wake = undefined
  }
}

/**
 * The bytes of a stream in large pieces, read ahead of who takes them. Each piece stays as it is until the next one is
 * asked for.
 */
export async function* inPieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  const queue = new PieceQueue()
  const left = new AbortController()
  void copyInto(queue, source, left.signal)
  try {
    yield* queue
  } finally {
    left.abort()
    queue.onRoom()
  }
}

async function copyInto(
  queue: PieceQueue,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const bytes of source) {
      if (signal.aborted) return
      queue.take(bytes)
      if (queue.isFull) await new Promise<void>((resolve) => (queue.onRoom = resolve))
    }
    queue.end()
  } catch (error) {
    queue.end({ error })
  }
}
