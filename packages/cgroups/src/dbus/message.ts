import { marshal } from './marshal.js'
import { damaged, Reader, unmarshal } from './unmarshal.js'
import { parseSignature } from './signature.js'
import { isVariant, type Value } from './value.js'

/** A call of a method of an object. */
export interface MethodCall {
  /** Bus name of who is called; unset on a connection that has no bus. */
  readonly destination?: string | undefined
  readonly path: string
  readonly interface: string
  readonly member: string
  /** Types of {@link body}; empty by default. */
  readonly signature?: string | undefined
  readonly body?: readonly Value[] | undefined
}

/** What a message says of itself. Its body is read only when somebody wants it. */
export interface Message {
  readonly kind: 'call' | 'return' | 'error' | 'signal' | 'unknown'
  readonly serial: number
  readonly path: string | undefined
  readonly interface: string | undefined
  readonly member: string | undefined
  readonly errorName: string | undefined
  readonly replySerial: number | undefined
  readonly destination: string | undefined
  /** Unique name of who sent it, which the bus vouches for; undefined on a connection that has no bus. */
  readonly sender: string | undefined
  readonly signature: string
  /** Reads the values. */
  body(): Value[]
}

/** No message of those that we ask for comes near it; the specification allows 128 MiB. */
export const MOST_BYTES = 2 ** 20

const FIXED = 16
const kinds = [undefined, 'call', 'return', 'error', 'signal'] as const
/** Header fields by their numbers, and their types. */
const fields = [
  undefined,
  ['path', 'o'],
  ['interface', 's'],
  ['member', 's'],
  ['errorName', 's'],
  ['replySerial', 'u'],
  ['destination', 's'],
  ['sender', 's'],
  ['signature', 'g'],
] as const
const fieldsType = parseSignature('a(yv)')[0]!

/** The bytes of a method call. */
export function encodeCall(call: MethodCall, serial: number): Buffer {
  const { signature = '', body = [] } = call
  const values = marshal(signature, body)
  const given: Value[] = []
  fields.forEach((field, number) => {
    if (field === undefined) return
    const [name, type] = field
    const value = name === 'signature' ? signature : name in call ? call[name as keyof MethodCall] : undefined
    if (typeof value === 'string' && value !== '') given.push([number, { signature: type, value }])
  })
  const head = marshal('yyyyuua(yv)', ['l'.charCodeAt(0), 1, 0, 1, values.length, serial, given])
  return Buffer.concat([head, Buffer.alloc(-head.length & 7), values])
}

/**
 * How long the message is that begins here.
 *
 * @returns Undefined when too little is there to know.
 * @throws {@link CgroupError} `ERR_CGROUP_PARSE`: no message, or one of more than {@link MOST_BYTES}.
 */
export function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < FIXED) return undefined
  const order = bytes[0]
  if (order !== 0x6c && order !== 0x42) throw damaged(`it begins with ${order}`)
  if (bytes[3] !== 1) throw damaged(`its version is ${bytes[3]}, not 1`)
  const number = (at: number) => (order === 0x6c ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const head = FIXED + number(12)
  const length = head + (-head & 7) + number(4)
  if (length > MOST_BYTES) throw damaged(`it has ${length} bytes, ${MOST_BYTES} are the most`)
  return length
}

/**
 * Reads a message.
 *
 * @param bytes - Exactly one: as many as {@link lengthOf} says.
 * @throws {@link CgroupError} `ERR_CGROUP_PARSE`.
 */
export function decodeMessage(bytes: Buffer): Message {
  const littleEndian = bytes[0] === 0x6c
  const kind = kinds[bytes[1]!] ?? 'unknown' // the specification: ignored
  const number = (at: number) => (littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const bodyLength = number(4)
  const serial = number(8)
  const start = bytes.length - bodyLength
  const reader = new Reader(bytes.subarray(0, start), littleEndian)
  for (let at = 0; at < FIXED - 4; at++) reader.read({ code: 'y' })
  const found = reader.read(fieldsType) as readonly (readonly [number, Value])[]
  reader.align(8)
  reader.end()
  const values: Record<string, string | number> = {}
  for (const [code, value] of found) {
    const field = fields[code]
    if (field === undefined) continue // the specification: ignored when unknown
    const [name, type] = field
    if (!isVariant(value) || value.signature !== type) throw damaged(`${name} has another type`)
    if (name in values) throw damaged(`${name} is there twice`)
    values[name] = value.value as string | number
  }
  if (serial === 0) throw damaged('its serial number is 0')
  const text = (name: string) => values[name] as string | undefined
  const signature = text('signature') ?? ''
  if (signature === '' && bodyLength > 0) throw damaged('it has a body without a signature')
  return {
    kind,
    serial,
    path: text('path'),
    interface: text('interface'),
    member: text('member'),
    errorName: text('errorName'),
    replySerial: values['replySerial'] as number | undefined,
    destination: text('destination'),
    sender: text('sender'),
    signature,
    body: () => unmarshal(bytes.subarray(start), signature, littleEndian),
  }
}
