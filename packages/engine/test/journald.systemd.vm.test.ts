import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { describeOn } from '@ctr/testing'
import { journald } from '../src/logs/remote/journald.js'
import { batch, open } from './support/collectors.js'

jest.setTimeout(300_000) // the machine is emulated

describeOn(['root', 'bin:journalctl'], 'journald, the real one', () => {
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })

  beforeAll(() => void run('systemctl', 'start', 'systemd-journald.service'))
  afterAll(() => void run('systemctl', 'stop', 'systemd-journald.socket', 'systemd-journald.service'))

  it('takes entries, and those that are too large for a datagram', async () => {
    const sink = open('journald', { labels: 'com.role', tag: '{{.Name}}' }, journald)
    const long = 'x'.repeat(600_000)
    void sink.write(batch(`short\n${long}\nlast\n`, { stream: 'stderr' }))
    let entries: Record<string, string>[] = []
    while (entries.length < 3) {
      await sleep(100)
      run('journalctl', '--sync')
      const lines = run('journalctl', '--all', '--output=json', `CONTAINER_ID_FULL=${'a'.repeat(64)}`)
      entries = lines
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, string>)
    }
    expect(entries.map(({ MESSAGE }) => MESSAGE)).toEqual(['short', long, 'last'])
    for (const entry of entries)
      expect(entry).toMatchObject({
        PRIORITY: '3',
        SYSLOG_IDENTIFIER: 'web',
        COM_ROLE: 'front',
        _COMM: expect.any(String),
      })
  })
})
