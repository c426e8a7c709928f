import { NLA_TYPE_MASK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSGERR_ATTR_MSG } from './constants.js'

/** Of `struct nlmsghdr`. */
const HEADER_LENGTH = 16

/** One received message, without its `nlmsghdr`. */
export interface NetlinkMessage {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  /** Port of the socket whose request it is about (`nlmsg_pid`). */
  readonly port: number
  readonly body: Buffer
}

/** The kernel's answer to one request. */
export interface NetlinkAnswer {
  /** 0 for an acknowledgement, else a positive error number. */
  readonly errno: number
  /** What the kernel said beyond the number (`NLMSGERR_ATTR_MSG`). */
  readonly text: string | undefined
}

/** Splits what one `recv` returned into messages. A message that claims more than there is ends the list. */
export function readMessages(data: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = []
  let at = 0
  while (at + 16 <= data.length) {
    const length = data.readUInt32LE(at)
    if (length < 16 || at + length > data.length) break
    messages.push({
      type: data.readUInt16LE(at + 4),
      flags: data.readUInt16LE(at + 6),
      sequence: data.readUInt32LE(at + 8),
      port: data.readUInt32LE(at + 12),
      body: data.subarray(at + 16, at + length),
    })
    at += (length + 3) & ~3
  }
  return messages
}

/** Reads attributes by their type; of two with the same type the later counts. */
export function readAttributes(data: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>()
  for (const [type, value] of attributeList(data)) attributes.set(type, value)
  return attributes
}

/** Reads attributes in order, as lists of elements need it. */
export function attributeList(data: Buffer): (readonly [type: number, value: Buffer])[] {
  const list: (readonly [number, Buffer])[] = []
  let at = 0
  while (at + 4 <= data.length) {
    const length = data.readUInt16LE(at)
    if (length < 4 || at + length > data.length) break
    list.push([data.readUInt16LE(at + 2) & NLA_TYPE_MASK, data.subarray(at + 4, at + length)])
    at += (length + 3) & ~3
  }
  return list
}

/**
 * Reads an `NLMSG_ERROR` or `NLMSG_DONE` message: the error number and the extended acknowledgement's text. The first
 * quotes the refused message before its attributes: its header alone, or all of it.
 */
export function readAnswer({ type, flags, body }: NetlinkMessage): NetlinkAnswer {
  const errno = body.length < 4 ? 0 : 0 - body.readInt32LE(0)
  if (errno === 0 || (flags & NLM_F_ACK_TLVS) === 0) return { errno, text: undefined }
  const text = readAttributes(body.subarray(4 + quotedLength(type, flags, body))).get(NLMSGERR_ATTR_MSG)
  return { errno, text: readString(text) }
}

function quotedLength(type: number, flags: number, body: Buffer): number {
  if (type === NLMSG_DONE) return 0
  if ((flags & NLM_F_CAPPED) !== 0 || body.length < 8) return HEADER_LENGTH
  return (body.readUInt32LE(4) + 3) & ~3
}

/** A NUL-terminated string's text. */
export function readString(value: Buffer | undefined): string | undefined {
  return value?.toString('utf8').replace(/\0.*$/s, '')
}
