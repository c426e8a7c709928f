import {
  Fd,
  isSyscallError,
  MSG_DONTWAIT,
  MSG_PEEK,
  recv,
  recvFds,
  sendFd,
  setsockopt,
  SO_PEEK_OFF,
  SOL_SOCKET,
} from '@ctr/linux'
import { RuntimeError } from '../errors.js'

/** Our side of a terminal, and what it is found by. */
export interface QueuedTerminal extends Disposable {
  /** Id of the container, and a name of this terminal among those that it has had: {@link idOf}. */
  readonly key: string
  readonly master: Fd
}

const ID_LENGTH = 64
const KEY_BYTES = 128

/** Id of the container of a terminal. */
export function idOf(key: string): string {
  return key.slice(0, ID_LENGTH)
}

/**
 * Terminals as messages in the queue of a socket: each has a key and, with it, our side of the terminal, which is open as
 * long as the message lies there. Only who has locked the {@link KeeperNote} may use it.
 */
export class TerminalQueue implements Disposable {
  readonly #writing: Fd
  readonly #reading: Fd

  constructor(writing: Fd, reading: Fd) {
    this.#writing = writing
    this.#reading = reading
  }

  /** @throws {@link RuntimeError} `ERR_RUNTIME_LIMIT`: there is no room for another one. */
  add(key: string, master: number): void {
    if (!this.#send(key, master))
      throw new RuntimeError('ERR_RUNTIME_LIMIT', 'cannot keep another terminal: there are too many')
  }

  /**
   * Terminal of a container, the last one that it has had.
   *
   * @returns Its key, and a descriptor of our own; it stays in the queue.
   */
  find(id: string): QueuedTerminal | undefined {
    const all = this.#all()
    const found = all.findLast(({ key }) => idOf(key) === id)
    for (const each of all) if (each !== found) each[Symbol.dispose]()
    return found
  }

  /**
   * Lets go of all but those that are to stay, and of copies that somebody has left who was killed here.
   *
   * @returns How many stay.
   */
  retain(stays: (key: string) => boolean): number {
    const all = this.#all()
    try {
      const keys = all.map(({ key }) => key)
      const kept = all.filter(({ key }, index) => keys.lastIndexOf(key) === index && stays(key))
      if (kept.length < all.length) for (const each of all) this.#rotate(each, kept.includes(each))
      return kept.length
    } finally {
      for (const each of all) each[Symbol.dispose]()
    }
  }

  [Symbol.dispose](): void {
    this.#writing.close()
    this.#reading.close()
  }

  /** The first message goes to the end, or away. There is a moment with two of it, if there is room, and none without. */
  #rotate({ key, master }: QueuedTerminal, stays: boolean): void {
    const isCopied = stays && this.#send(key, master.number)
    recv(this.#reading.number, Buffer.alloc(KEY_BYTES), MSG_DONTWAIT)
    if (stays && !isCopied) this.add(key, master.number)
  }

  #send(key: string, master: number): boolean {
    try {
      sendFd(this.#writing.number, master, Buffer.from(key), MSG_DONTWAIT)
      return true
    } catch (error) {
      if (isSyscallError(error) && ['EAGAIN', 'ETOOMANYREFS'].includes(error.code)) return false
      throw error
    }
  }

  #all(): QueuedTerminal[] {
    setsockopt(this.#reading.number, SOL_SOCKET, SO_PEEK_OFF, 0) // each look begins where the last one has ended
    const all: QueuedTerminal[] = []
    try {
      for (let next = this.#peek(); next !== undefined; next = this.#peek()) all.push(next)
      return all
    } catch (error) {
      for (const each of all) each[Symbol.dispose]()
      throw error
    }
  }

  #peek(): QueuedTerminal | undefined {
    const bytes = Buffer.alloc(KEY_BYTES)
    try {
      const { length, fds } = recvFds(this.#reading.number, bytes, MSG_PEEK | MSG_DONTWAIT, 1)
      if (length === 0) return undefined
      if (fds[0] === undefined)
        throw new RuntimeError('ERR_RUNTIME_LIMIT', 'cannot open a kept terminal: no descriptor is left')
      const master = new Fd(fds[0])
      return {
        key: bytes.toString('latin1', 0, length),
        master,
        [Symbol.dispose]() {
          master.close()
        },
      }
    } catch (error) {
      if (isSyscallError(error) && error.code === 'EAGAIN') return undefined
      throw error
    }
  }
}
