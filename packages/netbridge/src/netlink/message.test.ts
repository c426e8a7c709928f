import { describe, expect, it } from '@jest/globals'
import { attributeList, readAnswer, readAttributes, readMessages, readString } from './message-reader.js'
import { MessageWriter } from './message-writer.js'

describe('MessageWriter', () => {
  it('writes header, attributes and padding', () => {
    const writer = new MessageWriter()
    writer.message(16, 5, 7, () => {
      writer.attributeString(3, 'br0')
      writer.attributeU8(4, 9)
      writer.nested(18, () => writer.attributeU32BE(1, -3))
    })
    expect(Buffer.from(writer.bytes).toString('hex')).toBe(
      '2c000000' +
        '1000' +
        '0500' +
        '07000000' +
        '00000000' + // nlmsghdr
        '08000300' +
        '62723000' + // "br0", NUL
        '05000400' +
        '09000000' + // one byte, three of padding
        '0c001280' +
        '08000100' +
        'fffffffd',
    )
  })

  it('grows', () => {
    const writer = new MessageWriter()
    const large = new Uint8Array(5000).fill(7)
    writer.message(1, 0, 1, () => writer.attribute(1, large))
    const [message] = readMessages(Buffer.from(writer.bytes))
    expect(readAttributes(message!.body).get(1)).toEqual(Buffer.from(large))
  })
})

describe('readMessages()', () => {
  it('reads several and stops at one that is cut off', () => {
    const writer = new MessageWriter()
    writer.message(16, 0, 1, () => writer.attributeString(3, 'a'))
    writer.message(17, 0, 2, () => writer.attributeString(3, 'b'))
    const bytes = Buffer.from(writer.bytes)
    expect(readMessages(bytes).map(({ sequence }) => sequence)).toEqual([1, 2])
    expect(readMessages(bytes.subarray(0, -1))).toHaveLength(1)
    expect(readMessages(Buffer.alloc(64))).toEqual([])
  })
})

describe('attributeList()', () => {
  it('passes over nothing and ends at rubbish', () => {
    expect(attributeList(Buffer.from('0500030061000000ff00', 'hex'))).toEqual([[3, Buffer.from('a')]])
    expect(attributeList(Buffer.from('0300030061000000', 'hex'))).toEqual([])
  })
})

describe('readAnswer()', () => {
  it("reads errno and the kernel's words", () => {
    const text = Buffer.from('Attribute failed policy validation\0')
    const header = Buffer.alloc(4)
    header.writeUInt16LE(text.length + 4, 0)
    header.writeUInt16LE(1, 2)
    const errno = Buffer.alloc(4)
    errno.writeInt32LE(-22)
    const body = Buffer.concat([errno, Buffer.alloc(16), header, text])
    expect(readAnswer({ type: 2, flags: 0x300, sequence: 1, port: 0, body })).toEqual({
      errno: 22,
      text: 'Attribute failed policy validation',
    })
    expect(readAnswer({ type: 2, flags: 0, sequence: 1, port: 0, body }).text).toBeUndefined()
  })
})

describe('readString()', () => {
  it('ends at the NUL', () => {
    expect(readString(Buffer.from('eth0\0rest'))).toBe('eth0')
    expect(readString(undefined)).toBeUndefined()
  })
})
