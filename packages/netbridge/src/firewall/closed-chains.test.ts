import { describe, expect, it } from '@jest/globals'
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NFT_GOTO,
  NFT_JUMP,
} from '../nft/constants.js'
import type { ReadChain, ReadExpression, ReadRule } from '../nft/read-ruleset.js'
import { MessageWriter } from '../netlink/message-writer.js'
import { readAttributes } from '../netlink/message-reader.js'
import { verdict } from '../nft/expression.js'
import { closedChains } from './closed-chains.js'

function expressionOf(
  name: string,
  write: (writer: MessageWriter) => void = () => undefined,
): ReadExpression {
  const writer = new MessageWriter()
  write(writer)
  return { name, data: readAttributes(Buffer.from(writer.bytes)) }
}

const decide = (code: number, chain?: string): ReadExpression =>
  expressionOf('immediate', verdict(code, chain).write)
const target = (name: string): ReadExpression =>
  expressionOf('target', (writer) => writer.attributeString(1, name))
const counter = expressionOf('counter')
const compare = expressionOf('cmp')

const base = (policy = NF_ACCEPT, number = NF_INET_FORWARD, type = 'filter'): ReadChain => ({
  ...{ family: 2, table: 'filter', name: 'FORWARD' },
  hook: { type, number, priority: 0, policy },
})
const rule = (chain: string, ...expressions: ReadExpression[]): ReadRule => ({
  ...{ family: 2, table: 'filter', chain, handle: 1n, expressions, comment: undefined },
})
const endOf = (chain: ReadChain, ...rules: ReadRule[]): string | undefined =>
  closedChains({ chains: [chain], rules }, 'ctrjs')[0]?.by

describe('closedChains', () => {
  it('are those of the policy drop, at the hooks forward and input', () => {
    expect(endOf(base(NF_DROP))).toBe('policy')
    expect(endOf(base(NF_DROP, NF_INET_LOCAL_IN))).toBe('policy')
    expect(endOf(base(NF_DROP, 4))).toBeUndefined()
    expect(endOf(base(NF_DROP, NF_INET_FORWARD, 'nat'))).toBeUndefined()
    expect(endOf({ ...base(NF_DROP), family: 7 })).toBeUndefined()
    expect(endOf(base())).toBeUndefined()
  })

  it('are those whose rules drop or reject everything, also in chains that all packets come to', () => {
    expect(endOf(base(), rule('FORWARD', counter, decide(NF_DROP)))).toBe('rule')
    expect(endOf(base(), rule('FORWARD', expressionOf('reject')))).toBe('rule')
    expect(endOf(base(), rule('FORWARD', counter, target('REJECT')))).toBe('rule')
    expect(endOf(base(), rule('FORWARD', counter, target('LOG')))).toBeUndefined()
    expect(endOf(base(), rule('FORWARD', decide(NFT_JUMP, 'zones')), rule('zones', decide(NF_DROP)))).toBe(
      'rule',
    )
    expect(
      endOf(base(), rule('FORWARD', decide(NFT_GOTO, 'zones')), rule('FORWARD', decide(NF_DROP))),
    ).toBeUndefined()
  })

  it('are not those that drop some packets, nor our own', () => {
    expect(endOf(base(), rule('FORWARD', compare, decide(NF_DROP)))).toBeUndefined()
    expect(
      endOf(base(), rule('FORWARD', compare, decide(NFT_JUMP, 'zones')), rule('zones', decide(NF_DROP))),
    ).toBeUndefined()
    const own = { ...base(NF_DROP), family: 1, table: 'ctrjs' }
    expect(closedChains({ chains: [own], rules: [] }, 'ctrjs')).toEqual([])
  })

  it('are found where chains lead in a circle', () => {
    const circle = [rule('FORWARD', decide(NFT_JUMP, 'a')), rule('a', decide(NFT_JUMP, 'FORWARD'))]
    expect(endOf(base(), ...circle, rule('FORWARD', decide(NF_DROP)))).toBe('rule')
  })

  it('do not trip over data that make no sense', () => {
    const data = new Map([[1, Buffer.alloc(4)]])
    expect(endOf(base(), rule('FORWARD', { name: 'immediate', data }))).toBeUndefined()
  })
})
