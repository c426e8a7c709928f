import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex, PassThrough, type Readable, type Writable } from 'node:stream'
import type { TerminalSize } from '@ctr/runtime'
import type { Terminal } from '../../attach/terminal.js'
import { CliError } from '../../errors.js'

/** A piece of what a container prints. */
export interface Piece {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

const headerLength = 8

/**
 * Takes Docker's frames apart: 8 bytes (stream, three zeros, length) before each. Pieces come as they arrive, whatever
 * length a frame says it has.
 *
 * @throws `CliError` `ERR_CLI_DAEMON`: what comes is no frame, or is the daemon's word that something went wrong.
 */
export async function* piecesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  let header = Buffer.alloc(0)
  let left = 0
  let kind = 0
  let failure = ''
  for await (const chunk of source) {
    for (let rest = chunk; rest.length > 0;) {
      if (left === 0) {
        const missing = headerLength - header.length
        header = Buffer.concat([header, rest.subarray(0, missing)])
        rest = rest.subarray(missing)
        if (header.length < headerLength) continue
        kind = header[0]!
        left = header.readUInt32BE(4)
        if (kind > 3)
          throw new CliError('ERR_CLI_DAEMON', `cannot read the output: there is no stream ${kind}`)
        header = Buffer.alloc(0)
        continue
      }
      const bytes = rest.subarray(0, left)
      left -= bytes.length
      rest = rest.subarray(bytes.length)
      if (kind === 3) failure = (failure + bytes.toString()).slice(0, 4096)
      else yield { stream: kind === 2 ? 'stderr' : 'stdout', bytes }
    }
  }
  if (failure !== '') throw new CliError('ERR_CLI_DAEMON', failure)
}

/** The output of a program without a terminal, from the connection to it. */
export function separate(socket: Socket): {
  readonly stdout: Readable
  readonly stderr: Readable
  readonly done: Promise<void>
} {
  const sinks = { stdout: new PassThrough(), stderr: new PassThrough() }
  const copy = async (): Promise<void> => {
    try {
      for await (const { stream, bytes } of piecesOf(socket)) await give(sinks[stream], bytes)
    } finally {
      for (const sink of Object.values(sinks)) sink.end()
    }
  }
  return { ...sinks, done: copy() }
}

/** Waits for a slow reader; one that has gone is not waited for. */
async function give(sink: Writable, bytes: Buffer): Promise<void> {
  if (!sink.destroyed && !sink.write(bytes)) await Promise.race([once(sink, 'drain'), once(sink, 'close')])
}

/** The terminal of a program, from the connection to it. */
export class RemoteTerminal extends Duplex implements Terminal {
  readonly #socket: Socket
  readonly #detachKeys: Buffer
  readonly #resize: (size: TerminalSize) => void
  #lastKeys = Buffer.alloc(0)

  /** @param detachKeys - Those that leave it. */
  constructor(socket: Socket, detachKeys: Buffer, resize: (size: TerminalSize) => void) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    this.#detachKeys = detachKeys
    this.#resize = resize
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause()
    })
    socket.once('end', () => this.push(null))
    socket.once('close', () => this.push(null))
  }

  /** The user has left it by keys, which the daemon has read too. */
  get isLeft(): boolean {
    return this.#lastKeys.equals(this.#detachKeys)
  }

  resize(size: TerminalSize): void {
    this.#resize(size)
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#lastKeys = Buffer.concat([this.#lastKeys, chunk]).subarray(-this.#detachKeys.length)
    this.#socket.write(chunk, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
