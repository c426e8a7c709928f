import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { readMessages } from '../netlink/message-reader.js'
import { NFTA_SET_ID, NFTA_SET_USERDATA } from './constants.js'
import { addRuleset } from './ruleset.js'
import { NftTransaction } from './transaction.js'

interface Attribute {
  readonly type: number
  readonly value: string | Attribute[]
}

/** Attributes as a tree, nested ones recognised by their flag. */
function tree(data: Buffer): Attribute[] {
  const list: Attribute[] = []
  for (let at = 0; at + 4 <= data.length; at += (data.readUInt16LE(at) + 3) & ~3) {
    const type = data.readUInt16LE(at + 2)
    const value = data.subarray(at + 4, at + data.readUInt16LE(at))
    list.push({ type: type & 0x3fff, value: (type & 0x8000) === 0 ? value.toString('hex') : tree(value) })
  }
  return list
}

const LOOKUP = Buffer.from('lookup\0').toString('hex')
const NEW_SET = 0x0a09

/** Leaves out what has no meaning for the kernel: how nft prints a set, and numbers of sets beside their names. */
function meaning(type: number, attributes: Attribute[]): Attribute[] {
  const isLookup = attributes[0]?.value === LOOKUP
  return attributes
    .filter((attribute) => type !== NEW_SET || ![NFTA_SET_ID, NFTA_SET_USERDATA].includes(attribute.type))
    .map(({ type: kind, value }) => {
      if (typeof value === 'string') return { type: kind, value }
      return { type: kind, value: meaning(0, isLookup ? value.filter((inner) => inner.type !== 4) : value) }
    })
}

describe('addRuleset()', () => {
  it('sends what nft sends for the same table, message by message', () => {
    const fixture = readFileSync(new URL('../../test/fixtures/ruleset.hex', import.meta.url), 'utf8')
    const theirs = readMessages(Buffer.from(fixture.replaceAll('\n', ''), 'hex'))
    const ours = readMessages(Buffer.from(addRuleset(new NftTransaction('ctrt')).bytes()))
    expect(ours.map(({ type }) => type)).toEqual(theirs.map(({ type }) => type))
    for (const [index, { type, body }] of ours.entries()) {
      expect(body.subarray(0, 4)).toEqual(theirs[index]!.body.subarray(0, 4))
      expect(meaning(type, tree(body.subarray(4)))).toEqual(
        meaning(type, tree(theirs[index]!.body.subarray(4))),
      )
    }
  })
})
