import { describe, expect, it } from '@jest/globals'
import { isCgroupError } from '../errors.js'
import { marshal } from './marshal.js'
import { decodeMessage, encodeCall, lengthOf, MOST_BYTES } from './message.js'

const hello = encodeCall(
  { destination: 'a.b', path: '/a', interface: 'a.b', member: 'Hello', signature: 'su', body: ['x', 7] },
  5,
)

describe('encodeCall()', () => {
  it('writes the header that the specification has', () => {
    const fields = [
      '01 016f 00 02000000 2f61 00 0000000000', // path, an object path
      '02 0173 00 03000000 612e62 00 00000000', // interface
      '03 0173 00 05000000 48656c6c6f 00 0000', // member
      '06 0173 00 03000000 612e62 00 00000000', // destination
      '08 0167 00 02 737500', // signature
    ].join('')
    const head = `6c 01 00 01 0c000000 05000000 48000000 ${fields}`.replaceAll(' ', '')
    const body = '010000007800000007000000'
    const all = Buffer.from(head, 'hex')
    const padded = Buffer.concat([all, Buffer.alloc(-all.length & 7), Buffer.from(body, 'hex')])
    expect(hello.toString('hex')).toBe(padded.toString('hex'))
  })

  it('is read as it was written', () => {
    expect(lengthOf(hello)).toBe(hello.length)
    const message = decodeMessage(hello)
    expect(message).toMatchObject({
      kind: 'call',
      serial: 5,
      path: '/a',
      interface: 'a.b',
      member: 'Hello',
      destination: 'a.b',
      sender: undefined,
      signature: 'su',
    })
    expect(message.body()).toEqual(['x', 7])
  })
})

describe('lengthOf()', () => {
  it('waits for the header', () => {
    expect(lengthOf(hello.subarray(0, 15))).toBeUndefined()
  })

  it.each([
    ['no message', (bytes: Buffer) => bytes.writeUInt8(0x41, 0)],
    ['another version', (bytes: Buffer) => bytes.writeUInt8(2, 3)],
    ['a body that is too long', (bytes: Buffer) => bytes.writeUInt32LE(MOST_BYTES, 4)],
    ['a header that is too long', (bytes: Buffer) => bytes.writeUInt32LE(2 ** 32 - 1, 12)],
  ])('refuses %s', (_, change) => {
    const bytes = Buffer.from(hello)
    change(bytes)
    expect(() => lengthOf(bytes)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_PARSE' }))
  })
})

describe('decodeMessage()', () => {
  const message = (fields: [number, string, string | number][], body: Buffer = Buffer.alloc(0)) => {
    const given = fields.map(([code, signature, value]) => [code, { signature, value }])
    const head = marshal('yyyyuua(yv)', [0x6c, 4, 0, 1, body.length, 1, given])
    return Buffer.concat([head, Buffer.alloc(-head.length & 7), body])
  }

  it('passes over fields that it does not know', () => {
    expect(decodeMessage(message([[99, 's', 'x']])).kind).toBe('signal')
  })

  it.each([
    ['a field of another type', message([[1, 's', '/a']])],
    ['a field twice', message([[2, 's', 'a'], [2, 's', 'b']])], // prettier-ignore
    ['a body without a signature', message([], Buffer.from('x'))],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeMessage(bytes)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_PARSE' }))
  })

  it('reads or refuses whatever comes, and never fails otherwise', () => {
    const seeds = [
      hello,
      message([[5, 'u', 9], [7, 's', ':1.2'], [8, 'g', 'a{sv}as']], marshal('a{sv}as', [[['k', { signature: 'ay', value: Uint8Array.of(1) }]], ['a', 'b']])), // prettier-ignore
      message([[8, 'g', 'v']], marshal('v', [{ signature: 'a(tv)', value: [[1n, { signature: 'd', value: 2 }]] }])), // prettier-ignore
    ]
    let state = 12345
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    let [good, bad] = [0, 0]
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(seeds[round % seeds.length]!)
      for (let change = random(4); change >= 0; change--) bytes[random(bytes.length)] = random(256)
      try {
        const length = lengthOf(bytes)
        if (length === undefined || length > bytes.length) continue
        decodeMessage(bytes.subarray(0, length)).body()
        good++
      } catch (error) {
        if (!isCgroupError(error) || error.code !== 'ERR_CGROUP_PARSE') throw error
        bad++
      }
    }
    expect(good).toBeGreaterThan(100)
    expect(bad).toBeGreaterThan(1000)
  })
})
