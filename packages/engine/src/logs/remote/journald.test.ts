import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { batch, collectUnix, open, time } from '../../../test/support/collectors.js'
import { journaldAt } from './journald.js'

describe('journald', () => {
  it('sends fields, those of several lines with their length', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/socket`
    const receive = collectUnix(path)
    const config = { labels: 'com.role', env: 'LEVEL' }
    const sink = open('journald', config, journaldAt(path))
    const part = { id: 'x', ordinal: 1, last: false }
    void sink.write(batch('a piece', { stream: 'stderr', part }))
    const fields = Object.fromEntries(
      (await receive())
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s, 2) as [string, string]),
    )
    expect(fields).toEqual({
      MESSAGE: 'a piece',
      PRIORITY: '3',
      SYSLOG_IDENTIFIER: 'a'.repeat(12),
      SYSLOG_TIMESTAMP: time,
      CONTAINER_ID: 'a'.repeat(12),
      CONTAINER_ID_FULL: 'a'.repeat(64),
      CONTAINER_NAME: 'web',
      CONTAINER_TAG: 'a'.repeat(12),
      IMAGE_NAME: 'bb:1',
      CONTAINER_LOG_EPOCH: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      CONTAINER_LOG_ORDINAL: '1',
      CONTAINER_PARTIAL_ID: 'x',
      CONTAINER_PARTIAL_ORDINAL: '1',
      CONTAINER_PARTIAL_LAST: 'false',
      CONTAINER_PARTIAL_MESSAGE: 'true',
      COM_ROLE: 'front',
      LEVEL: 'high',
    })
    void sink.write(batch('next\n'))
    expect(await receive()).toContain('\nCONTAINER_LOG_ORDINAL=2\n')
  })

  it('sends what is too large for a datagram as a sealed file', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/socket`
    const receive = collectUnix(path)
    const sink = open('journald', {}, journaldAt(path))
    const large = `${'x'.repeat(600_000)}\n`
    void sink.write(batch(large))
    expect(await receive()).toContain(`MESSAGE=${large}PRIORITY=6\n`)
  })
})
