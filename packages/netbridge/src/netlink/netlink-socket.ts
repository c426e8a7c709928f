import {
  AF_NETLINK,
  bind,
  errnoName,
  errnoText,
  Fd,
  isSyscallError,
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
import { isNetbridgeError, NetbridgeError, type NetbridgeErrorCode } from '../errors.js'
import { NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR } from './constants.js'
import { readAnswer, readMessages, type NetlinkMessage } from './message-reader.js'

const SOCKADDR_NL_SIZE = 12
const RECEIVE_SIZE = 16 * 1024

/**
 * A netlink socket that is used synchronously. The kernel works on rtnetlink and nf_tables requests inside
 * `sendto`, so the answers are there when it returns: nothing waits, and a request costs some tens of
 * microseconds. The socket belongs for good to the network namespace that the thread was in when it was made.
 */
export class NetlinkSocket implements Disposable {
  readonly #fd: Fd
  readonly #buffer = Buffer.alloc(RECEIVE_SIZE)
  #sequence = 0

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
   *   other messages is the family's matter: rtnetlink goes on with them, nf_tables takes a batch back.
   */
  exchange(bytes: Uint8Array, describe: (sequence: number) => string): NetlinkMessage[] {
    send(this.#fd.number, bytes)
    return this.receive(describe)
  }

  /** The second half of {@link exchange}, after the messages were sent in another way. */
  receive(describe: (sequence: number) => string): NetlinkMessage[] {
    const data: NetlinkMessage[] = []
    let refused: NetbridgeError | undefined
    for (const message of this.#received()) {
      if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
        const { errno, text } = readAnswer(message)
        if (errno !== 0) refused ??= refusal(describe(message.sequence), errno, text)
      } else {
        data.push(message)
      }
      if ((message.flags & NLM_F_DUMP_INTR) !== 0)
        refused ??= refusal(describe(message.sequence), EINTR, undefined)
    }
    if (refused !== undefined) throw refused
    return data
  }

  /** From now on receives what the kernel tells this multicast group (`NFNLGRP_*`, `RTNLGRP_*`). */
  join(group: number): void {
    // without a number of its own (`nl_pid`) a socket is taken for the sender of what the kernel tells by itself
    const address = Buffer.alloc(SOCKADDR_NL_SIZE)
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
    try {
      return [...this.#received()]
    } catch (error) {
      if (isNetbridgeError(error) || (isSyscallError(error) && error.code === 'ENOBUFS')) return undefined
      throw error
    }
  }

  close(): void {
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  *#received(): Generator<NetlinkMessage> {
    while (true) {
      const length = syscallOr(
        ['EAGAIN'],
        'recvfrom',
        this.#fd.number,
        out(this.#buffer),
        this.#buffer.length,
        MSG_DONTWAIT | MSG_TRUNC,
        null,
        null,
      )
      if (length === 'EAGAIN') return
      if (length > this.#buffer.length) {
        throw new NetbridgeError(
          'ERR_NETBRIDGE_KERNEL',
          `cannot read a netlink answer: ${length} bytes are too many`,
        )
      }
      yield* readMessages(Buffer.from(this.#buffer.subarray(0, length)))
    }
  }
}

const EINTR = 4

function refusal(request: string, errno: number, text: string | undefined): NetbridgeError {
  const errnoCode = errnoName(errno)
  const said = text === undefined ? '' : `: ${text}`
  return new NetbridgeError(
    codeOf(errnoCode),
    `cannot ${request}: ${errnoCode} (${errnoText(errno)})${said}`,
    { errno, errnoCode, request },
  )
}

/** The code for an errno of the kernel, whether netlink or a system call reported it. */
export function codeOf(errnoCode: string): NetbridgeErrorCode {
  switch (errnoCode) {
    case 'EPERM':
    case 'EACCES':
      return 'ERR_NETBRIDGE_PERMISSION'
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'EAFNOSUPPORT':
    case 'EPROTONOSUPPORT':
    case 'ENOSYS':
      return 'ERR_NETBRIDGE_UNSUPPORTED'
    default:
      return 'ERR_NETBRIDGE_KERNEL'
  }
}

/** Wraps what a system call reported, naming what it was for. */
export function kernelError(action: string, error: unknown): unknown {
  if (!isSyscallError(error)) return error
  return new NetbridgeError(codeOf(error.code), `cannot ${action}: ${error.message}`, {
    errno: error.errno,
    errnoCode: error.code,
    cause: error,
  })
}
