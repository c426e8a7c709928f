import { expect, it } from '@jest/globals'
import { BoundedPattern } from '../bounded-pattern.js'
import { EventJoiner } from './event-joiner.js'

const time = '2026-01-01T00:00:00.000000000Z'

it('EventJoiner gives a pattern up that takes too long, and makes an event of each line', () => {
  const joiner = new EventJoiner(1000, new BoundedPattern('^(a+)+$', 20))
  const texts = (text: string): string[] =>
    joiner.add({ stream: 'stdout', time, text }).map((event) => event.text)
  expect(texts('aaa\nbbb\n')).toEqual([])
  expect(texts(`${'a'.repeat(60)}!\nnext\n`)).toEqual(['aaa\nbbb\n', `${'a'.repeat(60)}!`, 'next'])
  expect(texts('aaa\n')).toEqual(['aaa'])
})
