/** Bytes of a stream's end that are kept. */
const KEPT = 4096

/** The end of what a process has written, in bounded memory. */
export class OutputTail {
  #bytes: Buffer = Buffer.alloc(0)
  #dropped = false

  /** Takes more output. */
  push(chunk: Uint8Array): void {
    this.#dropped ||= this.#bytes.length + chunk.length > KEPT
    const joined = chunk.length >= KEPT ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk])
    this.#bytes = Buffer.from(joined.subarray(Math.max(0, joined.length - KEPT)))
  }

  /** The text without blanks around it and without control characters but newlines and tabs. */
  text(): string {
    // a terminal that shows an error must not be steered by whoever wrote the output
    const text = this.#bytes
      .toString('utf8')
      .replace(/\p{Cc}/gu, (character) => (/[\n\t]/.test(character) ? character : '\ufffd'))
      .trim()
    return this.#dropped ? `... ${text}` : text
  }
}
