import { afterEach, expect, it } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeOn, leakCheck } from '@ctr/testing'
import { cpuBandwidth, createCgroup, type Cgroup, type Resources } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
let group: Cgroup | undefined
const create = (resources: Resources): Cgroup => (group = createCgroup(uniquePath(), resources))
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

describeOn(['root', 'cgroup2'], 'groups on Linux 5.10', () => {
  it('limit memory, and tell of the kill', async () => {
    create({ memory: { limit: 16 * MiB, swap: 16 * MiB } })
    const events = group!.events({ types: ['oom'] })
    const first = events.next()
    expect(await runInside(group!, 'exec tail /dev/zero').end).toBe('SIGKILL')
    expect(await first).toEqual({ done: false, value: { type: 'oom', kills: 1 } })
    await events.return!()
    const { memory } = group!.stats()
    expect(memory).toMatchObject({ oomKills: 1, limit: 16 * MiB, peak: undefined }) // which came with 5.19
  })

  it('limit processes, freeze them, and kill them without cgroup.kill', async () => {
    create({ pids: { limit: 12 } })
    await runInside(group!, 'b() { b & b & wait; }; exec 2>/dev/null; (b &) ; echo up; sleep 1000').line
    for (let n = 0; n < 1000 && group!.stats().pids?.limitHits === 0; n++) await sleep(50)
    expect(group!.stats().pids).toMatchObject({ limit: 12, peak: undefined }) // which came with 6.1
    await group!.freeze()
    expect(group!.isFrozen()).toBe(true)
    await group!.kill()
    expect(group!.processes()).toEqual([])
  })

  it('count throttling, and read the same by a reader that keeps files open', async () => {
    create({ cpu: cpuBandwidth(0.2) })
    await runInside(group!, 'echo up; while :; do :; done').line
    using reader = group!.openStats()
    reader.read()
    for (let n = 0; n < 1000 && reader.read().cpu?.throttling?.throttledUsec === 0; n++) await sleep(50)
    const { cpu } = reader.read()
    expect(cpu?.throttling?.throttledUsec).toBeGreaterThan(0)
    expect(cpu?.throttling).toMatchObject({ bursts: undefined, burstUsec: undefined }) // which came with 5.14
    expect(group!.stats().cpu!.usageUsec).toBeGreaterThanOrEqual(cpu!.usageUsec)
  })
})
