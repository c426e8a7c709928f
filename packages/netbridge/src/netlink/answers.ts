import { errnoName, errnoNumber, errnoText } from '@ctr/linux'
import { isNetbridgeError, NetbridgeError } from '../errors.js'
import {
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from './constants.js'
import { codeOf } from './kernel-error.js'
import { readAnswer, type NetlinkMessage } from './message-reader.js'

/** Why an answer is not whole: changed while it was read, did not fit into the socket, or into our buffer. */
const incomplete: readonly (string | undefined)[] = ['EINTR', 'ENOBUFS', 'ENOMEM', 'EMSGSIZE']

/** True when an answer was not whole, and asking again may help. */
export function isIncomplete(error: unknown): boolean {
  return isNetbridgeError(error) && incomplete.includes(error.errnoCode)
}

/**
 * Sorts what the kernel answered.
 *
 * @param lost - Why something is missing, if so.
 * @param describe - What the message with this sequence number asked for.
 * @returns Data messages in order, without acknowledgements.
 * @throws {@link NetbridgeError} For the first refusal; else when the answer is not whole, see {@link isIncomplete}.
 */
export function collectAnswers(
  messages: readonly NetlinkMessage[],
  lost: string | undefined,
  describe: (sequence: number) => string,
): NetlinkMessage[] {
  const data: NetlinkMessage[] = []
  let refused: NetbridgeError | undefined
  let reason = lost
  let unfinished = false
  for (const message of messages) {
    const { type, flags, sequence } = message
    if (type === NLMSG_OVERRUN) reason ??= 'ENOBUFS'
    else if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      const { errno, text } = readAnswer(message)
      if (errno !== 0) refused ??= refusal(describe(sequence), errno, text)
    } else if (type !== NLMSG_NOOP) data.push(message)
    if ((flags & NLM_F_DUMP_INTR) !== 0) reason ??= 'EINTR'
    if (type === NLMSG_ERROR || type === NLMSG_DONE) unfinished = false
    else if ((flags & NLM_F_MULTI) !== 0) unfinished = true
  }
  if (refused !== undefined) throw refused
  if (unfinished) reason ??= 'ENOBUFS' // the end of a list is missing
  if (reason === undefined) return data
  const request = describe(messages[0]?.sequence ?? 0)
  throw refusal(request, errnoNumber(reason) ?? 0, 'the answer is not whole')
}

function refusal(request: string, errno: number, text: string | undefined): NetbridgeError {
  const errnoCode = errnoName(errno)
  const said = text === undefined ? '' : `: ${text}`
  return new NetbridgeError(
    codeOf(errnoCode),
    `cannot ${request}: ${errnoCode} (${errnoText(errno)})${said}`,
    { errno, errnoCode, request },
  )
}
