import type { Socket } from 'node:net'
import { Transform, type TransformCallback } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { isSendQueueEmpty } from '@ctr/linux'

/**
 * What is written to a connection after the head of an answer. On a unix socket the first bytes wait until the client has
 * read the head: docker-py throws away what it reads along with it.
 */
export class AfterHead extends Transform {
  readonly #socket: Socket
  #isHeadRead = false

  constructor(socket: Socket) {
    super()
    this.#socket = socket
    socket.on('close', () => this.destroy())
    this.pipe(socket)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#isHeadRead || isAllRead(this.#socket)) {
      this.#isHeadRead = true
      done(null, chunk)
    } else void this.#headRead().then(() => done(null, chunk))
  }

  /** Half a second at most: who writes first and reads later must not wait for us while we wait for it. */
  async #headRead(): Promise<void> {
    for (let ms = 1; ms <= 256 && !isAllRead(this.#socket); ms *= 2) await sleep(ms)
    this.#isHeadRead = true
  }
}

/**
 * True over TCP, where nobody can tell: `SIOCOUTQ` and `TCP_INFO` know what the peer's kernel has confirmed, which it does
 * as the bytes come, not as its program reads them.
 */
function isAllRead(socket: Socket): boolean {
  const fd = (socket as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1
  return socket.remoteFamily !== undefined || fd < 0 || isSendQueueEmpty(fd)
}
