import { describe, expect, it } from '@jest/globals'
import { decode, encode, type Answer } from 'dns-packet'
import { AnswerCache } from './answer-cache.js'
import { readQuery, type Query } from './message.js'

const queryOf = (name: string): Query =>
  readQuery(encode({ type: 'query', id: 1, questions: [{ name, type: 'A' }] })) as Query
const answerTo = (name: string, answers: Answer[], rest: object = {}): Buffer =>
  encode({ type: 'response', id: 1, questions: [{ name, type: 'A' }], answers, ...rest })
const a = (name: string, ttl: number): Answer => ({ type: 'A', name, ttl, data: '10.0.0.1' })
const soa = (ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name: 'example',
  ttl,
  data: { mname: 'ns.example', rname: 'who.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})

describe('AnswerCache', () => {
  it('keeps an answer for the shortest of its times, and says what is left', () => {
    let now = 1000
    const cache = new AnswerCache(() => now)
    cache.set(queryOf('a'), answerTo('a', [a('a', 60), a('a', 20)]))
    now += 5.5
    expect(decode(cache.get(queryOf('a'))!).answers).toMatchObject([{ ttl: 55 }, { ttl: 15 }])
    now += 15
    expect(cache.get(queryOf('a'))).toBeUndefined()
  })

  it.each([
    [300, 30, 30],
    [10, 30, 10],
  ])(
    'keeps that a name is not there (SOA of %i s, %i s for what is missing) for %i s',
    (ttl, minimum, seconds) => {
      let now = 0
      const cache = new AnswerCache(() => now)
      cache.set(queryOf('a'), answerTo('a', [], { flags: 3, authorities: [soa(ttl, minimum)] }))
      now = seconds - 1
      expect(cache.get(queryOf('a'))).toBeDefined()
      now = seconds
      expect(cache.get(queryOf('a'))).toBeUndefined()
    },
  )

  it('does not keep failures, cut answers, and those of no time or without one', () => {
    const cache = new AnswerCache()
    cache.set(queryOf('a'), answerTo('a', [a('a', 60)], { flags: 2 }))
    cache.set(queryOf('b'), answerTo('b', [a('b', 60)], { flags: 0x200 }))
    cache.set(queryOf('c'), answerTo('c', [a('c', 0)]))
    cache.set(queryOf('d'), answerTo('d', []))
    cache.set(queryOf('e'), answerTo('e', [a('e', 60)]).subarray(0, -2))
    cache.set(queryOf('f'), answerTo('f', [a('f', 0x80000001)]))
    for (const name of 'abcdef') expect(cache.get(queryOf(name))).toBeUndefined()
  })

  it('gives up the answers that were asked for least recently', () => {
    const cache = new AnswerCache(() => 0)
    for (let n = 0; n < 1000; n++) cache.set(queryOf(`n${n}`), answerTo(`n${n}`, [a('x', 60)]))
    cache.get(queryOf('n0'))
    cache.set(queryOf('more'), answerTo('more', [a('x', 60)]))
    expect([cache.get(queryOf('n0')), cache.get(queryOf('n1'))].map((found) => found !== undefined)).toEqual([
      true,
      false,
    ])
  })
})
