import {
  AF_NETLINK,
  bind,
  Fd,
  getsockname,
  MSG_DONTWAIT,
  MSG_TRUNC,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  out,
  send,
  setsockopt,
  SOCK_RAW,
  socket,
  SOL_NETLINK,
  syscallOr,
} from '@ctr/linux'
import { collectAnswers } from './answers.js'
import { readMessages, type NetlinkMessage } from './message-reader.js'

const RECEIVE_SIZE = 16 * 1024
/** Of `struct sockaddr_nl`. */
const ADDRESS_LENGTH = 12

/**
 * A netlink socket that is used synchronously. The kernel works on rtnetlink and nf_tables requests inside
 * `sendto`, so the answers are there when it returns: nothing waits, and a request costs some tens of
 * microseconds. The socket belongs for good to the network namespace that the thread was in when it was made.
 */
export class NetlinkSocket implements Disposable {
  readonly #fd: Fd
  #buffer = Buffer.alloc(RECEIVE_SIZE)
  readonly #sender = Buffer.alloc(ADDRESS_LENGTH)
  readonly #senderLength = Buffer.from(Uint32Array.of(ADDRESS_LENGTH).buffer)
  #sequence = 0
  #port = 0
  static readonly #ports = new Set<number>()

  /** @param protocol - `NETLINK_ROUTE` or `NETLINK_NETFILTER`. */
  constructor(protocol: number) {
    this.#fd = new Fd(socket(AF_NETLINK, SOCK_RAW, protocol))
    setsockopt(this.#fd.number, SOL_NETLINK, NETLINK_CAP_ACK, 1) // errors quote the header alone
    setsockopt(this.#fd.number, SOL_NETLINK, NETLINK_EXT_ACK, 1) // and say in words what is wrong
  }

  /** The descriptor, for sending from another thread. */
  get fd(): number {
    return this.#fd.number
  }

  /** Whether a message is about what a socket of this process has asked for. */
  static isOwn({ port }: NetlinkMessage): boolean {
    return this.#ports.has(port)
  }

  /** A sequence number that this socket has not used before. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0
    return this.#sequence
  }

  /**
   * Sends messages in one `sendto` and collects everything that the kernel answers.
   *
   * @param bytes - One or more whole messages.
   * @param describe - What the message with this sequence number asked for, for errors.
   * @returns Data messages in order, without acknowledgements.
   * @throws {@link NetbridgeError} For the first message that the kernel refused. What a refusal means for the
   *   other messages is the family's matter: rtnetlink goes on with them, nf_tables takes a batch back. Or for answers
   *   that are not whole, see {@link isIncomplete}.
   */
  exchange(bytes: Uint8Array, describe: (sequence: number) => string): NetlinkMessage[] {
    send(this.#fd.number, bytes)
    this.#rememberPort()
    return this.receive(describe)
  }

  /** The second half of {@link exchange}, after the messages were sent in another way. */
  receive(describe: (sequence: number) => string): NetlinkMessage[] {
    const { messages, lost } = this.#receiveAll()
    return collectAnswers(messages, lost, describe)
  }

  /** From now on receives what the kernel tells this multicast group (`NFNLGRP_*`, `RTNLGRP_*`). */
  join(group: number): void {
    // without a number of its own (`nl_pid`) a socket is taken for the sender of what the kernel tells by itself
    const address = Buffer.alloc(ADDRESS_LENGTH)
    address.writeUInt16LE(AF_NETLINK)
    bind(this.#fd.number, address)
    setsockopt(this.#fd.number, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
  }

  /**
   * What has been told to groups that the socket joined, without waiting.
   *
   * @returns Undefined when some of it was lost, because it was more than the socket or the buffer holds.
   */
  notifications(): NetlinkMessage[] | undefined {
    const { messages, lost } = this.#receiveAll()
    return lost === undefined ? messages : undefined
  }

  close(): void {
    NetlinkSocket.#ports.delete(this.#port)
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** The kernel has chosen it when the first message was sent. */
  #rememberPort(): void {
    if (this.#port !== 0) return
    this.#port = getsockname(this.#fd.number).readUInt32LE(4)
    NetlinkSocket.#ports.add(this.#port)
  }

  /** Everything that waits. Also after a fault, so that nothing is left to be taken for the answer to the next request. */
  #receiveAll(): { readonly messages: NetlinkMessage[]; readonly lost: string | undefined } {
    const messages: NetlinkMessage[] = []
    let lost: string | undefined
    while (true) {
      const length = syscallOr(
        ['EAGAIN', 'ENOBUFS', 'ENOMEM'],
        'recvfrom',
        this.#fd.number,
        out(this.#buffer),
        this.#buffer.length,
        MSG_DONTWAIT | MSG_TRUNC,
        out(this.#sender),
        out(this.#senderLength),
      )
      if (length === 'EAGAIN') return { messages, lost }
      if (typeof length === 'string') lost ??= length
      else if (length > this.#buffer.length) {
        lost ??= 'EMSGSIZE'
        this.#buffer = Buffer.alloc(length * 2) // enough when it is asked for again
      } else if (this.#sender.readUInt32LE(4) === 0)
        // whoever owns the namespace may send us something too
        messages.push(...readMessages(Buffer.from(this.#buffer.subarray(0, length))))
    }
  }
}
