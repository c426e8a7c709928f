import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Arena } from '../support/arena.js'

leakCheck()

describeOn(['root', 'bin:busybox'], 'a created container', () => {
  it('holds less than 100 KB of its own while it waits to be started', async () => {
    using arena = new Arena()
    await using created = await arena.create(['true'])
    const rollup = readFileSync(`/proc/${created.container.pid}/smaps_rollup`, 'latin1')
    const [, kib] = /^Pss: +(\d+) kB$/m.exec(rollup) ?? []
    expect(Number(kib)).toBeGreaterThan(0)
    expect(Number(kib) * 1024).toBeLessThan(100_000)
  })
})
