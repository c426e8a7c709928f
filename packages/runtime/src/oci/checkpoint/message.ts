import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

interface ScalarTypes {
  int32: number
  /** Also enumerations. */
  uint32: number
  bool: boolean
  string: string
}

type FieldType = keyof ScalarTypes | MessageType

/** A field of a message: its number, its type, and whether there may be many of it. */
export type Field = readonly [number: number, type: FieldType, repeated?: 'repeated']

/** A protobuf message (proto2), its fields by name. */
export interface MessageType {
  readonly [name: string]: Field
}

type ValueOf<Type> = Type extends keyof ScalarTypes
  ? ScalarTypes[Type]
  : Type extends MessageType
    ? Message<Type>
    : never

/** The value of a message: fields that are not set are left out. */
export type Message<Type extends MessageType> = {
  readonly [Name in keyof Type]?:
    | (Type[Name] extends readonly [number, infer Item, 'repeated']
        ? readonly ValueOf<Item>[]
        : ValueOf<Type[Name][1]>)
    | undefined
}

/** A message on the wire. */
export function encode<Type extends MessageType>(type: Type, message: Message<Type>): Uint8Array {
  return write(new BinaryWriter(), type, message).finish()
}

/**
 * The message in `bytes`. Fields that the type does not name are skipped.
 *
 * @throws `RangeError` or `Error` for bytes that are no message.
 */
export function decode<Type extends MessageType>(type: Type, bytes: Uint8Array): Message<Type> {
  const fields = new Map(Object.entries(type).map((entry) => [entry[1][0], entry]))
  const reader = new BinaryReader(bytes)
  const message: Record<string, unknown> = {}
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    const field = fields.get(number)
    if (field === undefined || wireType !== wireTypeOf(field[1][1])) {
      reader.skip(wireType, number)
      continue
    }
    const [name, [, fieldType, repeated]] = field
    const value = typeof fieldType === 'string' ? reader[fieldType]() : decode(fieldType, reader.bytes())
    message[name] = repeated === undefined ? value : [...((message[name] ?? []) as unknown[]), value]
  }
  return message as Message<Type>
}

function write(writer: BinaryWriter, type: MessageType, message: Message<MessageType>): BinaryWriter {
  for (const [name, [number, fieldType, repeated]] of Object.entries(type)) {
    const value: unknown = message[name]
    if (value === undefined) continue
    for (const item of repeated === undefined ? [value] : (value as readonly unknown[])) {
      writer.tag(number, wireTypeOf(fieldType))
      if (typeof fieldType === 'string') (writer[fieldType] as (scalar: unknown) => unknown)(item)
      else write(writer.fork(), fieldType, item as Message<MessageType>).join()
    }
  }
  return writer
}

function wireTypeOf(type: FieldType): WireType {
  return typeof type !== 'string' || type === 'string' ? WireType.LengthDelimited : WireType.Varint
}
