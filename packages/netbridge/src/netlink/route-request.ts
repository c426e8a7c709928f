import { NLM_F_REQUEST } from './constants.js'
import { isIncomplete } from './answers.js'
import type { NetlinkMessage } from './message-reader.js'
import { MessageWriter } from './message-writer.js'
import type { NetlinkSocket } from './netlink-socket.js'

/** One rtnetlink message to be sent. */
export interface RouteRequest {
  readonly type: number
  readonly flags: number
  /** What it asks for, as the rest of a sentence that begins with "cannot". */
  readonly action: string
  /** Writes the family's header and the attributes. */
  readonly body: (writer: MessageWriter) => void
}

/** How often a list is asked for again that others change while it is read. */
const TRIES = 10

/**
 * Sends rtnetlink requests in one go. No acknowledgement is asked for: the kernel is through with all of them
 * when `sendto` returns, and reports refusals in any case. Questions whose answer is not whole are asked again, as
 * netlink(7) has it: the list changed meanwhile (`NLM_F_DUMP_INTR`), or did not fit (`ENOBUFS`).
 *
 * @returns The data messages that came back.
 * @throws {@link NetbridgeError} for the first refused request; the others have been carried out.
 */
export function exchangeRoute(socket: NetlinkSocket, requests: readonly RouteRequest[]): NetlinkMessage[] {
  const changesNothing = requests.every(({ type }) => (type & KIND_MASK) === KIND_GET)
  for (let tries = 1; ; tries++) {
    try {
      return exchangeOnce(socket, requests)
    } catch (error) {
      if (!changesNothing || tries === TRIES || !isIncomplete(error)) throw error
    }
  }
}

/** Of what is new, deleted, got and set, in this order, the numbers of message types go round. */
const KIND_MASK = 3
const KIND_GET = 2

function exchangeOnce(socket: NetlinkSocket, requests: readonly RouteRequest[]): NetlinkMessage[] {
  const writer = new MessageWriter()
  const first = socket.nextSequence()
  requests.forEach(({ type, flags, body }, index) => {
    const sequence = index === 0 ? first : socket.nextSequence()
    writer.message(type, flags | NLM_F_REQUEST, sequence, () => {
      body(writer)
    })
  })
  return socket.exchange(
    writer.bytes,
    (sequence) => requests[sequence - first]?.action ?? 'exchange netlink messages',
  )
}
