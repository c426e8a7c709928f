import { describe, expect, it } from '@jest/globals'
import { collectAnswers, isIncomplete } from './answers.js'
import { readAddress } from './copied-address.js'
import { readAnswer, readMessages } from './message-reader.js'

// What Linux 6.18 sent in a network namespace with nothing but `lo`, headers and all.
const recorded = {
  /** `ip link add x0 type nonsense`, with NETLINK_CAP_ACK and without. */
  unknownKindCapped:
    '3c0000000200000307000000e8540000a1ffffff3c000000100001060700000000000000' +
    '18000100556e6b6e6f776e20646576696365207479706500',
  unknownKindQuoted:
    '680000000200000207000000857338daa1ffffff3c0000001000010607000000000000000000000000000000' +
    '0000000000000000070003007830' +
    '0000140012800d0001006e6f6e73656e73650000000018000100556e6b6e6f776e20646576696365207479706500',
  /** A list of links with a flag that may not be there, NETLINK_GET_STRICT_CHK on: refused at its end. */
  refusedList:
    '480000000300020208000000e8540000eaffffff33000100496e76616c69642076616c75657320696e2068656164657220' +
    '666f72206c696e6b2064756d7020726571756573740000',
  /** Addresses of an interface that is not there: an end without words. */
  missingInterface: '140000000300220009000000e8540000edffffff',
  addresses:
    '4c000000140002000a000000fe48d5e2020880fe01000000080001007f000001080002007f000001070003006c6f0000' +
    '080008008000000014000600ffffffffffffffff229b4700229b4700',
  end: '14000000030002000a000000fe48d5e200000000',
}

const messagesOf = (...hex: string[]): ReturnType<typeof readMessages> =>
  readMessages(Buffer.from(hex.join(''), 'hex'))
/** The same with other flags in the header of the first message. */
const withFlags = (hex: string, flags: string): string => hex.slice(0, 12) + flags + hex.slice(16)
const describeRequest = (sequence: number): string => `do ${sequence}`

describe('readAnswer()', () => {
  it.each([
    ['unknownKindCapped', 95, 'Unknown device type'],
    ['unknownKindQuoted', 95, 'Unknown device type'],
    ['refusedList', 22, 'Invalid values in header for link dump request'],
    ['missingInterface', 19, undefined],
    ['end', 0, undefined],
  ] as const)('reads %s', (name, errno, text) => {
    expect(readAnswer(messagesOf(recorded[name])[0]!)).toEqual({ errno, text })
  })

  it('takes what is cut off for what is left of it', () => {
    for (let length = 0; length < recorded.unknownKindQuoted.length / 2; length++) {
      const bytes = Buffer.from(recorded.unknownKindQuoted, 'hex').subarray(16, length)
      expect(() => readAnswer({ type: 2, flags: 0x200, sequence: 7, port: 0, body: bytes })).not.toThrow()
    }
  })
})

describe('collectAnswers()', () => {
  it('gives what comes before the end of a list', () => {
    const [address, ...rest] = collectAnswers(
      messagesOf(recorded.addresses, recorded.end),
      undefined,
      describeRequest,
    )
    expect(rest).toEqual([])
    expect(readAddress(address!)).toMatchObject({ family: 2, prefixLength: 8, index: 1 })
  })

  it("says what was refused in the kernel's words", () => {
    const refuse = (hex: string) => () => collectAnswers(messagesOf(hex), undefined, describeRequest)
    expect(refuse(recorded.unknownKindCapped)).toThrow(
      /^cannot do 7: EOPNOTSUPP \(.+\): Unknown device type$/,
    )
    expect(refuse(recorded.unknownKindCapped)).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_UNSUPPORTED', errno: 95, request: 'do 7' }),
    )
    expect(refuse(recorded.refusedList)).toThrow(/EINVAL .*: Invalid values in header for link dump request$/)
    expect(refuse(recorded.missingInterface)).toThrow(/ENODEV/)
  })

  it.each([
    ['changed while it was read', [withFlags(recorded.addresses, '1200'), recorded.end], undefined, 'EINTR'],
    ['changed at its very end', [recorded.addresses, withFlags(recorded.end, '1200')], undefined, 'EINTR'],
    ['did not fit into the socket', [recorded.addresses, recorded.end], 'ENOBUFS', 'ENOBUFS'],
    ['did not fit into the buffer', [], 'EMSGSIZE', 'EMSGSIZE'],
    ['has no end', [recorded.addresses], undefined, 'ENOBUFS'],
    ['is cut off', [recorded.addresses, recorded.end.slice(0, -2)], undefined, 'ENOBUFS'],
    ['was overrun', ['1000000004000000' + '0a00000000000000'], undefined, 'ENOBUFS'],
  ])('does not give a list that %s', (_, hex, lost, errnoCode) => {
    let thrown: unknown
    try {
      collectAnswers(messagesOf(...hex), lost, describeRequest)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({
      errnoCode,
      message: expect.stringContaining('the answer is not whole') as unknown,
    })
    expect(isIncomplete(thrown)).toBe(true)
  })

  it('passes over what says nothing, and prefers a refusal to anything else', () => {
    const noop = '1000000001000000' + '0a00000000000000'
    expect(collectAnswers(messagesOf(noop), undefined, describeRequest)).toEqual([])
    expect(() => collectAnswers(messagesOf(recorded.unknownKindCapped), 'ENOBUFS', describeRequest)).toThrow(
      /Unknown device type/,
    )
  })
})
