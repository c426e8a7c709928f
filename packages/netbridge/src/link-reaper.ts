import { types } from 'node:util'
import { execute, NETLINK_ROUTE, Program } from '@ctr/linux'
import { isNetbridgeError } from './errors.js'
import { NLM_F_REQUEST } from './netlink/constants.js'
import { deleteLinkGroup } from './netlink/link-messages.js'
import { MessageWriter } from './netlink/message-writer.js'
import { kernelError } from './netlink/kernel-error.js'
import { NetlinkSocket } from './netlink/netlink-socket.js'

/** How long to wait for more links that can be deleted with the same request, in milliseconds. */
const GATHER_MS = 20

/**
 * Deletes links in the background. The kernel waits 15-30 ms for all its processors before `RTM_DELLINK`
 * returns, so links are set down and put into a group at once, and the group is deleted as a whole by a
 * thread of libuv's pool: one request at a time, however many links there are.
 */
export class LinkReaper {
  readonly #socket = new NetlinkSocket(NETLINK_ROUTE)
  readonly #group: number
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #failure: Error | undefined

  /** @param group - Number of the group; nothing else may be in it. */
  constructor(group: number) {
    this.#group = group
  }

  /** Says that there are links in the group. */
  schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#start()
    }, GATHER_MS).unref()
  }

  /**
   * Waits until all links are gone.
   *
   * @throws {@link NetbridgeError} when the kernel refused to delete them.
   */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) this.#start()
    await this.#running
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  /** Waits as `flush()` does, and closes the socket. */
  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      this.#socket.close()
    }
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running = this.#running.then(() => this.#delete())
  }

  async #delete(): Promise<void> {
    const { type, flags, body, action } = deleteLinkGroup(this.#group)
    const writer = new MessageWriter()
    writer.message(type, flags | NLM_F_REQUEST, this.#socket.nextSequence(), () => {
      body(writer)
    })
    const program = new Program()
    program.call('sendto', [this.#socket.fd, writer.bytes, writer.bytes.length, 0, null, 0])
    try {
      await execute(program)
      this.#socket.receive(() => action)
    } catch (error) {
      // ENODEV: they went with their network namespaces
      if (isNetbridgeError(error) && error.errnoCode === 'ENODEV') return
      const wrapped = kernelError(action, error)
      this.#failure ??= types.isNativeError(wrapped) ? wrapped : new Error(String(wrapped))
    }
  }
}
