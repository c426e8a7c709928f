import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { cpuBandwidth, createCgroup, type Cgroup, type CgroupStats, type Resources } from '../src/index.js'
import { runInside, uniquePath } from './child.js'
import { nearOne } from './near-one.js'

leakCheck()

const MiB = 2 ** 20
let group: Cgroup | undefined
const create = (resources: Resources): Cgroup => (group = createCgroup(uniquePath(), resources))
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

/** What is used up in a second while something runs inside. */
async function rate(figure: (stats: CgroupStats) => number): Promise<number> {
  const [before, start] = [figure(group!.stats()), performance.now()]
  await sleep(4000)
  return ((figure(group!.stats()) - before) / (performance.now() - start)) * 1000
}

describeOn(['root', 'cgroup2'], 'limits on v2', () => {
  it('memory: a hog is OOM-killed, and reported once', async () => {
    create({ memory: { limit: 16 * MiB, swap: 16 * MiB } })
    const events = group!.events({ types: ['oom'] })
    const first = events.next()
    const hog = runInside(group!, 'exec tail /dev/zero') // keeps all of an endless line
    expect(await hog.end).toBe('SIGKILL')
    expect(await first).toEqual({ done: false, value: { type: 'oom', kills: 1 } })
    await events.return!()
    expect(group!.oomKills()).toBe(1)
    const { memory } = group!.stats()
    expect(memory).toMatchObject({ oomKills: 1, limit: 16 * MiB })
    expect(memory!.limitHits).toBeGreaterThan(0)
    // the kernel may go a little above while it charges in batches
    expect(memory!.peak).toBeGreaterThan(15 * MiB)
    expect(memory!.peak).toBeLessThan(17 * MiB)
  })

  it('memory: the smallest limit lets a small program run', async () => {
    create({ memory: { limit: 512 * 1024, swap: 512 * 1024 } })
    expect(await runInside(group!, 'exec true').end).toBe(0)
    expect(group!.oomKills()).toBe(0)
  })

  it('pids: a fork bomb ends at the limit', async () => {
    create({ pids: { limit: 12 } })
    const bomb = runInside(group!, 'b() { b & b & wait; }; exec 2>/dev/null; (b &) ; echo up; sleep 1000')
    await bomb.line
    for (let n = 0; n < 1000 && group!.stats().pids?.limitHits === 0; n++) await sleep(50)
    const { pids } = group!.stats()
    expect(pids?.limit).toBe(12)
    expect(pids?.limitHits).toBeGreaterThan(0)
    expect(pids?.current).toBeLessThanOrEqual(12)
    await group!.kill()
    expect(group!.processes()).toEqual([])
  })

  it('cpu: a hog gets its quota, within a tenth', async () => {
    create({ cpu: cpuBandwidth(0.3) })
    await runInside(group!, 'echo up; while :; do :; done').line
    await sleep(1000) // what may be saved up at the start is used up
    const part = await nearOne(0.1, async () => (await rate(({ cpu }) => cpu!.usageUsec)) / 1e6 / 0.3)
    expect(part).toBeGreaterThan(0.9)
    expect(part).toBeLessThan(1.1)
    expect(group!.stats().cpu!.throttling!.throttledPeriods).toBeGreaterThan(0)
    expect(group!.stats().cpu!.throttling!.throttledUsec).toBeGreaterThan(0)
  })

  it('io: reads go as fast as they may, within 15 in a hundred', async () => {
    const limit = 2 * MiB
    create({ blockIO: { throttleReadBpsDevice: [{ major: 254, minor: 0, rate: limit }] } })
    await runInside(group!, 'echo up; exec dd if=/dev/vda of=/dev/null bs=32k iflag=direct 2>/dev/null').line
    await sleep(1000)
    const part = await nearOne(0.15, async () => (await rate(({ io }) => io!.readBytes)) / limit)
    expect(part).toBeGreaterThan(0.85)
    expect(part).toBeLessThan(1.15)
  })

  it('stats: time, memory and reads of real work', async () => {
    create({})
    const script =
      'i=0; while ((i < 10000)); do ((i++)); done; x=$(head -c 1M /dev/zero | tr "\\0" x); dd if=/dev/vda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null'
    expect(await runInside(group!, script).end).toBe(0)
    const { cpu, memory, io } = group!.stats()
    expect(cpu!.usageUsec).toBeGreaterThan(10_000)
    expect(cpu!.userUsec + cpu!.systemUsec).toBeGreaterThan(0)
    expect(memory!.peak).toBeGreaterThan(100_000)
    expect(memory!.limit).toBe('max')
    expect(io).toMatchObject({ readBytes: MiB, writeBytes: 0 })
    expect(io!.readOps).toBeGreaterThanOrEqual(16)
  })
})
