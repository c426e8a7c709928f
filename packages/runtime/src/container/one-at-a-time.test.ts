import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { OneAtATime } from './one-at-a-time.js'

it('does work of one container in turn, that of others beside it, and goes on after a failure', async () => {
  const turns = new OneAtATime()
  const seen: string[] = []
  const work =
    (name: string, ms: number, fails = false) =>
    async (): Promise<string> => {
      seen.push(`${name} begins`)
      await sleep(ms)
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const results = await Promise.allSettled([
    turns.run('a', work('a1', 20, true)),
    turns.run('a', work('a2', 1)),
    turns.run('b', work('b1', 1)),
  ])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(seen.indexOf('a2 begins')).toBeGreaterThan(seen.indexOf('a1 ends'))
  expect(seen.indexOf('b1 begins')).toBeLessThan(seen.indexOf('a1 ends'))
})
