import { describe, expect, it } from '@jest/globals'
import { jsonCodec, plainCodec } from './codec.js'

const time = '2026-01-02T03:04:05.000000006Z'
const text = 'a "quoted" \\ line\n\n\t\x00\x1b[0mgrün\r\n'

describe.each([
  ['jsonCodec()', jsonCodec({})],
  ['plainCodec', plainCodec],
])('%s', (_name, codec) => {
  it('gives back the lines that it was given', () => {
    const lines = codec.encode({ text, stream: 'stderr', time }).toString().split('\n').slice(0, -1)
    expect(lines.map((line) => codec.decode(line))).toEqual([
      { log: 'a "quoted" \\ line\n', stream: 'stderr', time },
      { log: '\n', stream: 'stderr', time },
      { log: '\t\x00\x1b[0mgrün\r\n', stream: 'stderr', time },
    ])
  })

  it('tells a piece of a line from a whole one', () => {
    const [line = ''] = codec.encode({ text: 'no end', stream: 'stdout', time }).toString().split('\n')
    expect(codec.decode(line)).toEqual({ log: 'no end', stream: 'stdout', time })
  })

  it.each(['', '{', 'null', '{"log":1}', time, `${time} stdin F x`])('takes %j for no entry', (line) => {
    expect(codec.decode(line)).toBeUndefined()
  })
})

describe('jsonCodec()', () => {
  it("writes Docker's members in Docker's order", () => {
    expect(jsonCodec({ tag: 'a"b' }).encode({ text: 'x\n', stream: 'stdout', time }).toString()).toBe(
      `{"log":"x\\n","stream":"stdout","attrs":{"tag":"a\\"b"},"time":"${time}"}\n`,
    )
  })
})
