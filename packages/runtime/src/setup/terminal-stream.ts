import { readSync } from 'node:fs'
import { Duplex } from 'node:stream'
import { ReadStream } from 'node:tty'
import { syscall, TIOCSWINSZ } from '@ctr/linux'

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

/** Our side of a container's terminal: reads what is printed there, writes what is typed. */
export class TerminalStream extends Duplex {
  readonly #tty: ReadStream
  readonly #master: number

  /** @param master - Our side of a pseudo-terminal; closed with the stream. */
  constructor(master: number) {
    super({ allowHalfOpen: false })
    this.#master = master
    this.#tty = new ReadStream(master)
    this.#tty.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) this.#tty.pause()
    })
    this.#tty.on('end', () => {
      this.#pushRest()
      this.push(null)
    })
    this.#tty.on('error', (error: NodeJS.ErrnoException) => {
      // when the last program has closed the terminal the kernel says EIO: the end of the stream
      if (error.code === 'EIO') this.push(null)
      else this.destroy(error)
    })
  }

  /**
   * Tells the programs on the terminal that the window has another size (`SIGWINCH`). Does nothing once the
   * stream is closed.
   */
  resize({ rows, columns }: TerminalSize): void {
    if (this.destroyed || this.#tty.destroyed) return
    setSize(this.#master, { rows, columns })
  }

  /**
   * Node takes a hang-up for the end once a read has given less than was asked for, but a terminal gives its content in
   * pieces: what is left of them would be lost.
   */
  #pushRest(): void {
    const piece = Buffer.alloc(4096)
    try {
      for (;;) {
        const length = readSync(this.#master, piece)
        if (length === 0) return
        this.push(Buffer.from(piece.subarray(0, length)))
      }
    } catch {
      // EIO: nobody has the terminal open, and nothing is left in it
    }
  }

  override _read(): void {
    this.#tty.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // a tty.ReadStream is a socket and writes as well as it reads
    ;(this.#tty as unknown as Duplex).write(chunk, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#tty.destroy()
    done(error)
  }
}

/** ioctl_tty(2) `TIOCSWINSZ`. */
export function setSize(master: number, { rows, columns }: TerminalSize): void {
  const winsize = Buffer.alloc(8)
  winsize.writeUInt16LE(rows, 0)
  winsize.writeUInt16LE(columns, 2)
  syscall('ioctl', master, TIOCSWINSZ, winsize)
}
