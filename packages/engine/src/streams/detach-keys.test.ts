import { text } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import { DetachKeys, parseDetachKeys } from './detach-keys.js'

describe('parseDetachKeys()', () => {
  it.each([
    [undefined, [16, 17]],
    ['ctrl-a,x', [1, 120]],
    ['ctrl-@,ctrl-[,ctrl-_', [0, 27, 31]],
    ['q', [113]],
  ])('reads %s', (keys, bytes) => {
    expect([...parseDetachKeys(keys)]).toEqual(bytes)
  })

  it.each(['ctrl-', 'ctrl-1', 'ab', 'a,,b', 'ä'])('refuses %s', (keys) => {
    expect(() => parseDetachKeys(keys)).toThrow('invalid detach keys')
  })
})

describe('DetachKeys', () => {
  async function pass(...chunks: string[]): Promise<readonly [given: string, detached: boolean]> {
    const keys = new DetachKeys(Buffer.from('aab'))
    let detached = false
    keys.on('detach', () => (detached = true))
    for (const chunk of chunks) keys.write(chunk)
    keys.end()
    return [await text(keys), detached]
  }

  it.each([
    [['hello'], 'hello', false],
    [['xaab', 'y'], 'x', true],
    [['xa', 'a', 'by'], 'x', true],
    [['xa', 'a', 'ab'], 'xa', true],
    [['xaa', 'xaa'], 'xaaxaa', false],
    [['aaaab'], 'aa', true],
  ])('of %j passes on %j', async (chunks, given, detached) => {
    expect(await pass(...chunks)).toEqual([given, detached])
  })
})
