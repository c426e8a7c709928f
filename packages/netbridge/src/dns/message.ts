import {
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  type DecodedPacket,
  type Packet,
} from 'dns-packet'

/** A query that has exactly one question. */
export interface Query {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly class: string
  /** The question as it was sent, which every answer repeats. */
  readonly question: Buffer
  readonly recursionDesired: boolean
  /** What the asker takes by UDP, in bytes: 512, or what its EDNS record says. */
  readonly udpSize: number
  readonly edns: boolean
  readonly dnssec: boolean
}

/** Codes of a response (RFC 1035, 4.1.1). */
export const rcodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
}

/** What is sent at most by UDP: what passes every link without being cut in pieces (RFC 9715). */
export const largestUdp = 1232
const smallestUdp = 512
export const headerLength = 12

/**
 * Reads a query. What is no query, or too short to say who asked what, gets no answer: the first is what a loop of two
 * servers would be made of.
 *
 * @returns The query; the code that it is to be refused with; or undefined when it is to be dropped.
 */
export function readQuery(bytes: Buffer): Query | number | undefined {
  if (bytes.length < headerLength || (bytes[2]! & 0x80) !== 0) return undefined
  if (((bytes[2]! >> 3) & 0xf) !== 0) return rcodes.notImplemented // an opcode other than QUERY
  if (bytes.readUInt16BE(4) !== 1 || bytes.readUInt16BE(6) !== 0) return rcodes.formatError
  let packet: DecodedPacket
  try {
    packet = decode(bytes)
  } catch {
    return rcodes.formatError
  }
  const [question] = packet.questions ?? []
  const end = endOfName(bytes, headerLength)
  if (question === undefined || end === undefined) return rcodes.formatError
  const opt = packet.additionals?.find((record) => record.type === 'OPT')
  const size = opt?.type === 'OPT' ? opt.udpPayloadSize : smallestUdp
  return {
    id: packet.id ?? 0,
    name: question.name.replace(/\.$/, ''),
    type: question.type,
    class: question.class ?? 'IN',
    question: bytes.subarray(headerLength, end + 4),
    recursionDesired: packet.flag_rd,
    udpSize: Math.min(Math.max(size, smallestUdp), largestUdp),
    edns: opt !== undefined,
    dnssec: opt?.type === 'OPT' && opt.flag_do,
  }
}

/** Where a name without pointers ends; undefined when it goes on behind the message, or has a pointer. */
function endOfName(bytes: Buffer, start: number): number | undefined {
  let at = start
  while (at < bytes.length) {
    const length = bytes[at]!
    if (length === 0) return at + 5 <= bytes.length ? at + 1 : undefined
    if (length > 63) return undefined
    at += length + 1
  }
  return undefined
}

/** A query for a server of names. It says what we take, and nothing else of who asked. */
export function writeQuery({ question, edns, dnssec }: Query, id: number): Buffer {
  const header = Buffer.alloc(headerLength)
  header.writeUInt16BE(id, 0)
  header[2] = 1 // recursion desired
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(edns ? 1 : 0, 10)
  const opt = Buffer.from([0, 0, 41, largestUdp >> 8, largestUdp & 0xff, 0, 0, dnssec ? 0x80 : 0, 0, 0, 0])
  return Buffer.concat([header, question, ...(edns ? [opt] : [])])
}

/** An answer of our own. */
export function writeAnswer(
  query: Query,
  answers: NonNullable<Packet['answers']>,
  code = rcodes.noError,
): Buffer {
  const bytes = encode({
    type: 'response',
    id: query.id,
    flags:
      AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | (query.recursionDesired ? RECURSION_DESIRED : 0) | code,
    answers,
  })
  return withQuestion(query, bytes)
}

/** The question as it was asked, byte by byte: some askers look at its letters' case. */
function withQuestion(query: Query, bytes: Buffer): Buffer {
  bytes.writeUInt16BE(1, 4)
  return Buffer.concat([bytes.subarray(0, headerLength), query.question, bytes.subarray(headerLength)])
}

/** An answer that says only how it went. */
export function writeFailure(query: Query, code: number): Buffer {
  return writeHead(query, code, 0)
}

/** Tells the asker to come again by TCP. */
export function writeTruncated(query: Query): Buffer {
  return writeHead(query, rcodes.noError, 2)
}

function writeHead(query: Query, code: number, truncated: number): Buffer {
  const header = Buffer.alloc(headerLength)
  header.writeUInt16BE(query.id, 0)
  header[2] = 0x80 | truncated | (query.recursionDesired ? 1 : 0)
  header[3] = 0x80 | code
  header.writeUInt16BE(1, 4)
  return Buffer.concat([header, query.question])
}

/** An answer to what could not be read. */
export function writeRefusal(bytes: Buffer, code: number): Buffer {
  const header = Buffer.alloc(headerLength)
  bytes.copy(header, 0, 0, 2)
  header[2] = 0x80 | (bytes[2]! & 0x79) // the opcode and whether recursion was desired
  header[3] = code
  return header
}

/** Whether a message is the answer to a query that was sent with that id. */
export function isAnswerTo(bytes: Buffer, { question }: Query, id: number): boolean {
  return (
    bytes.length >= headerLength + question.length &&
    bytes.readUInt16BE(0) === id &&
    (bytes[2]! & 0x80) !== 0 &&
    bytes.readUInt16BE(4) === 1 &&
    sameQuestion(bytes.subarray(headerLength, headerLength + question.length), question)
  )
}

/** Letters' case does not matter (RFC 4343); lengths of labels are below those of letters. */
function sameQuestion(one: Buffer, other: Buffer): boolean {
  return one.equals(other) || one.toString('latin1').toLowerCase() === other.toString('latin1').toLowerCase()
}

/** An answer of somebody else to the same question, for whoever asks us. */
export function readdressed(bytes: Buffer, { id, question }: Query): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt16BE(id, 0)
  question.copy(copy, headerLength)
  return copy
}

/** The code of a response. */
export function codeOf(bytes: Buffer): number {
  return bytes[3]! & 0xf
}

export function isTruncated(bytes: Buffer): boolean {
  return (bytes[2]! & 2) !== 0
}
