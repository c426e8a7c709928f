import { describe, expect, it } from '@jest/globals'
import type { Message } from '../dbus/message.js'
import { EndedJobs, MANAGER_INTERFACE } from './ended-jobs.js'

const removed = (job: string, result: string, more: Partial<Message> & { unit?: string } = {}): Message => ({
  kind: 'signal',
  serial: 1,
  path: '/org/freedesktop/systemd1',
  interface: MANAGER_INTERFACE,
  member: 'JobRemoved',
  errorName: undefined,
  replySerial: undefined,
  destination: undefined,
  sender: ':1.1',
  signature: 'uoss',
  body: () => [1, job, more.unit ?? 'a.scope', result],
  ...more,
})

describe('EndedJobs', () => {
  it('knows a job that has ended before its number was known, and waits for one that has not', async () => {
    const jobs = new EndedJobs('a.scope')
    jobs.note(removed('/job/1', 'done'))
    expect(await jobs.of(':1.1', '/job/1')).toBe('done')
    const second = jobs.of(':1.1', '/job/2')
    jobs.note(removed('/job/3', 'done'))
    jobs.note(removed('/job/2', 'failed'))
    expect(await second).toBe('failed')
  })

  it('believes systemd alone, and what is about its unit', async () => {
    const jobs = new EndedJobs('a.scope')
    jobs.note(removed('/job/1', 'done', { sender: ':1.66' }))
    jobs.note(removed('/job/1', 'done', { sender: undefined }))
    jobs.note(removed('/job/1', 'done', { unit: 'b.scope' }))
    jobs.note(removed('/job/1', 'done', { interface: 'org.evil' }))
    jobs.note(removed('/job/1', 'done', { signature: 's' }))
    jobs.note(removed('/job/1', 'canceled'))
    expect(await jobs.of(':1.1', '/job/1')).toBe('canceled')
  })

  it('keeps few of them', async () => {
    const jobs = new EndedJobs('a.scope')
    for (let job = 0; job < 1000; job++) jobs.note(removed(`/job/${job}`, 'done'))
    expect(await jobs.of(':1.1', '/job/999')).toBe('done')
    expect(await Promise.race([jobs.of(':1.1', '/job/0'), Promise.resolve('forgotten')])).toBe('forgotten')
  })
})
