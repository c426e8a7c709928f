import { describe, expect, it } from '@jest/globals'
import { decode, encode } from 'dns-packet'
import {
  isAnswerTo,
  rcodes,
  readdressed,
  readQuery,
  writeAnswer,
  writeFailure,
  writeQuery,
  type Query,
} from './message.js'

const asked = (name: string, type = 'A' as const, rest: object = {}): Buffer =>
  encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type }], ...rest })
const read = (bytes: Buffer): Query => readQuery(bytes) as Query

describe('readQuery()', () => {
  it('reads a question', () => {
    expect(read(asked('Web.Example'))).toMatchObject({
      id: 7,
      name: 'Web.Example',
      type: 'A',
      class: 'IN',
      recursionDesired: true,
      udpSize: 512,
      edns: false,
    })
  })

  it.each([
    [4096, 1232],
    [100, 512],
    [1000, 1000],
  ])('takes %i of an EDNS record for %i', (udpPayloadSize, udpSize) => {
    const opt = { type: 'OPT', name: '.', udpPayloadSize, flags: 0, options: [] }
    expect(read(asked('a', 'A', { additionals: [opt] }))).toMatchObject({
      udpSize,
      edns: true,
      dnssec: false,
    })
  })

  it('drops what is no query', () => {
    const response = encode({ type: 'response', id: 1, questions: [{ name: 'a', type: 'A' }] })
    for (const bytes of [Buffer.alloc(0), asked('a').subarray(0, 11), response]) {
      expect(readQuery(bytes)).toBeUndefined()
    }
  })

  it('refuses other operations, and questions that cannot be read', () => {
    const update = asked('a')
    update[2] = 5 << 3
    expect(readQuery(update)).toBe(rcodes.notImplemented)
    const two = encode({
      type: 'query',
      questions: [
        { name: 'a', type: 'A' },
        { name: 'b', type: 'A' },
      ],
    })
    const pointer = Buffer.concat([asked('a').subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])
    const many = asked('a')
    many.writeUInt16BE(65_535, 10)
    for (const bytes of [two, asked('abc').subarray(0, 15), asked('abc').subarray(0, 18), pointer, many]) {
      expect(readQuery(bytes)).toBe(rcodes.formatError)
    }
  })

  it('survives any bytes', () => {
    for (let n = 0; n < 20_000; n++) {
      const bytes = asked('some.name.example')
      for (let change = 0; change < 1 + (n % 6); change++)
        bytes[(n * 31 + change * 17) % bytes.length] = (n * 7 + change) & 255
      const query = readQuery(bytes.subarray(0, bytes.length - (n % 9)))
      if (typeof query === 'object') decode(writeFailure(query, rcodes.refused))
    }
  })
})

describe('writing', () => {
  const query = read(asked('wEb.example'))

  it('answers with the question as it was sent', () => {
    const answer = writeAnswer(query, [{ type: 'A', name: query.name, ttl: 10, data: '10.0.0.1' }])
    expect(answer.includes('wEb')).toBe(true)
    expect(decode(answer)).toMatchObject({
      id: 7,
      type: 'response',
      flag_aa: true,
      flag_ra: true,
      flag_rd: true,
      questions: [{ name: 'wEb.example', type: 'A' }],
      answers: [{ type: 'A', data: '10.0.0.1', ttl: 10 }],
    })
  })

  it('knows an answer by its id and question', () => {
    const answer = (id: number, name: string): Buffer =>
      encode({ type: 'response', id, questions: [{ name, type: 'A' }] })
    expect(decode(writeQuery(query, 99))).toMatchObject({
      id: 99,
      flag_rd: true,
      questions: [{ name: 'wEb.example' }],
    })
    expect(isAnswerTo(answer(99, 'web.example'), query, 99)).toBe(true)
    expect(isAnswerTo(answer(98, 'web.example'), query, 99)).toBe(false)
    expect(isAnswerTo(answer(99, 'wet.example'), query, 99)).toBe(false)
    expect(isAnswerTo(writeQuery(query, 99), query, 99)).toBe(false)
    expect(decode(readdressed(answer(99, 'web.example'), query))).toMatchObject({
      id: 7,
      questions: [{ name: 'wEb.example' }],
    })
  })
})
