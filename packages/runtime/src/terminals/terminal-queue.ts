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
  /** Id of the container or name of the program, and a name of this terminal among those of it: {@link idOf}. */
  readonly key: string
  readonly master: Fd
}

const KEY_BYTES = 256

/** Id of the container of a terminal, or name of its program. */
export function idOf(key: string): string {
  return key.slice(0, key.lastIndexOf('-'))
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
    const keys = this.#keys()
    const index = keys.findLastIndex((key) => idOf(key) === id)
    return index < 0 ? undefined : this.#peek(keys.slice(0, index).join('').length)
  }

  /**
   * Lets go of all but those that are to stay, and of copies that somebody has left who was killed here.
   *
   * @returns How many stay.
   */
  retain(stays: (key: string) => boolean): number {
    const keys = this.#keys()
    const wanted = keys.map((key, index) => keys.lastIndexOf(key) === index && stays(key))
    const count = wanted.filter(Boolean).length
    if (count < keys.length) for (const isWanted of wanted) this.#rotate(isWanted)
    return count
  }

  [Symbol.dispose](): void {
    this.#writing.close()
    this.#reading.close()
  }

  /** The first message goes to the end, or away. There is a moment with two of it, if there is room, and none without. */
  #rotate(stays: boolean): void {
    using first = stays ? this.#peek(0) : undefined
    const isCopied = first !== undefined && this.#send(first.key, first.master.number)
    recv(this.#reading.number, Buffer.alloc(KEY_BYTES), MSG_DONTWAIT)
    if (first !== undefined && !isCopied) this.add(first.key, first.master.number)
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

  #keys(): string[] {
    this.#lookFrom(0) // and each look begins where the last one has ended
    const keys: string[] = []
    const bytes = Buffer.alloc(KEY_BYTES)
    try {
      for (;;) {
        const length = recv(this.#reading.number, bytes, MSG_PEEK | MSG_DONTWAIT)
        keys.push(bytes.toString('latin1', 0, length))
      }
    } catch (error) {
      if (isSyscallError(error) && error.code === 'EAGAIN') return keys
      throw error
    }
  }

  /** @param before - Bytes of the messages before it. */
  #peek(before: number): QueuedTerminal {
    this.#lookFrom(before)
    const bytes = Buffer.alloc(KEY_BYTES)
    const { length, fds } = recvFds(this.#reading.number, bytes, MSG_PEEK | MSG_DONTWAIT, 1)
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
  }

  #lookFrom(offset: number): void {
    setsockopt(this.#reading.number, SOL_SOCKET, SO_PEEK_OFF, offset)
  }
}
