import { NLM_F_REQUEST } from './constants.js'
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

/**
 * Sends rtnetlink requests in one go. No acknowledgement is asked for: the kernel is through with all of them
 * when `sendto` returns, and reports refusals in any case.
 *
 * @returns The data messages that came back.
 * @throws {@link NetbridgeError} for the first refused request; the others have been carried out.
 */
export function exchangeRoute(socket: NetlinkSocket, requests: readonly RouteRequest[]): NetlinkMessage[] {
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
