/** Bytes that have come and were not taken yet. Appending costs what it must, also when they come one by one. */
export class Incoming {
  #buffer = Buffer.alloc(4096)
  #start = 0
  #end = 0

  /** What is there. It is valid until the next call. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end)
  }

  push(chunk: Buffer): void {
    const length = this.#end - this.#start
    if (this.#end + chunk.length > this.#buffer.length) {
      const needed = length + chunk.length
      const target = needed > this.#buffer.length ? Buffer.alloc(needed * 2) : this.#buffer
      this.#buffer.copy(target, 0, this.#start, this.#end)
      this.#buffer = target
      this.#start = 0
      this.#end = length
    }
    chunk.copy(this.#buffer, this.#end)
    this.#end += chunk.length
  }

  /** Takes bytes away, as a copy. */
  take(length: number): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(this.#start, this.#start + length))
    this.#start += length
    return taken
  }
}
