import { expect, it } from '@jest/globals'
import { criuRequest, criuResponse, CriuRequestType } from './criu-messages.js'
import { decode, encode } from './message.js'

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

it('encode() writes scalars, nested and repeated messages as protoc does', () => {
  const message = {
    type: CriuRequestType.DUMP,
    opts: { images_dir_fd: -1, pid: 300, ext_mnt: [{ key: '/a', val: 'b' }, { key: '' }] },
    keep_open: false,
  }
  const expected = `08 01
    12 1d  08 ff ff ff ff ff ff ff ff ff 01  10 ac 02
           ba 01 07  0a 02 2f 61  12 01 62
           ba 01 02  0a 00
    20 00`
  expect(hex(encode(criuRequest, message))).toBe(expected.replaceAll(/\s/g, ''))
})

it('decode() reads what encode() wrote', () => {
  const message = {
    type: CriuRequestType.RESTORE,
    opts: { images_dir_fd: 7, root: '/röot', empty_ns: 0xffffffff, external: ['net[1]:x', 'pid[2]:y'] },
    features: { lazy_pages: true },
  }
  expect(decode(criuRequest, encode(criuRequest, message))).toEqual(message)
})

it('decode() skips fields that are unknown or of another wire type', () => {
  expect(decode(criuResponse, bytes('08 06 10 01 d8 04 05 da 04 01 41 0a 01 41'))).toEqual({
    type: CriuRequestType.NOTIFY,
    success: true,
  })
})

it.each(['08', '0a 05 41', '2a 03 0a 07 41', 'ff ff ff ff ff ff ff ff ff ff ff'])(
  'decode() refuses a message that ends early or is none: %s',
  (text) => {
    expect(() => decode(criuResponse, bytes(text))).toThrow()
  },
)
