import { describe, expect, it } from '@jest/globals'
import { RunWaiters } from './run-waiters.js'

const always = new AbortController().signal

describe('RunWaiters', () => {
  it('tells those who wait of the next beginning and end, once', async () => {
    const waiters = new RunWaiters()
    const start = waiters.nextStart(always)
    const ends = [waiters.nextEnd(always), waiters.nextEnd(always)]
    waiters.started()
    await start
    waiters.ended({ exitCode: 3 })
    expect(await Promise.all(ends)).toEqual([{ exitCode: 3 }, { exitCode: 3 }])
    expect(waiters.size).toBe(0)
  })

  it('lets everybody go when the container is removed', async () => {
    const waiters = new RunWaiters()
    const all = [waiters.nextStart(always), waiters.nextEnd(always), waiters.removal(always)]
    waiters.removed({ exitCode: 4 })
    expect(await Promise.all(all)).toEqual([undefined, { exitCode: 4 }, { exitCode: 4 }])
  })

  it('forgets those who leave', async () => {
    const waiters = new RunWaiters()
    const gone = new AbortController()
    const all = [
      waiters.nextStart(gone.signal),
      waiters.nextEnd(gone.signal),
      waiters.removal(gone.signal),
      waiters.nextEnd(always),
    ]
    gone.abort(new Error('the client has left'))
    expect((await Promise.allSettled(all.slice(0, 3))).map(({ status }) => status)).toEqual(
      Array.from({ length: 3 }, () => 'rejected'),
    )
    expect(waiters.size).toBe(1)
    await expect(waiters.nextStart(gone.signal)).rejects.toThrow('the client has left')
    waiters.ended({ exitCode: 0 })
    expect(await all[3]).toEqual({ exitCode: 0 })
  })
})
