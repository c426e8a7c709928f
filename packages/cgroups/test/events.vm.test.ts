import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { checkHost, createCgroup, createSubgroup, type Cgroup, type CgroupEvent } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
let group: Cgroup | undefined
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

/** Events of a group until the wanted one, or its end. */
async function until(events: AsyncIterable<CgroupEvent>, type: CgroupEvent['type']): Promise<CgroupEvent[]> {
  const seen: CgroupEvent[] = []
  for await (const event of events) {
    seen.push(event)
    if (event.type === type) break
  }
  return seen
}

describeOn(['root', 'cgroup2'], 'Cgroup on pure cgroup v2', () => {
  it('has figures of every controller', async () => {
    group = createCgroup(uniquePath(), {
      cpu: { quota: 50_000 },
      memory: { limit: 64 * MiB, swap: 64 * MiB, high: 48 * MiB, killAllOnOom: true },
      pids: { limit: 20 },
      hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }],
    })
    const inside = runInside(group, 'head -c 1M /dev/vda >/dev/null; echo up; i=0; while :; do ((i++)); done')
    await inside.line
    await sleep(1000)
    const { cpu, memory, pids, io, hugetlb, rdma, misc } = group.stats()
    expect(cpu!.usageUsec).toBeGreaterThan(0)
    expect(cpu!.throttling!.throttledPeriods).toBeGreaterThan(0)
    expect(cpu!.pressure!.some.totalUsec).toBeGreaterThan(0)
    expect(memory).toMatchObject({
      limit: 64 * MiB,
      high: 48 * MiB,
      oomKills: 0,
      kernel: { limit: 'max' },
      breakdown: { slab: expect.any(Number) },
      pressure: { some: { avg10: expect.any(Number) } },
    })
    expect(memory!.usage).toBeGreaterThan(0)
    expect(memory!.peak).toBeGreaterThanOrEqual(memory!.usage)
    expect(pids).toMatchObject({ current: 1, limit: 20, limitHits: 0 })
    expect(io!.readBytes).toBeGreaterThanOrEqual(MiB)
    expect(io!.devices.some(({ readBytes }) => readBytes >= MiB)).toBe(true)
    expect(hugetlb!['2MB']).toMatchObject({ usage: 0, limit: 4 * MiB, reserved: { limit: 4 * MiB } })
    expect([rdma, typeof misc]).toEqual([{}, 'object'])
    using reader = group.openStats()
    expect(reader.read().pids).toEqual(pids)
  })

  it('tells of OOM kills and refused forks with their numbers', async () => {
    group = createCgroup(uniquePath(), { memory: { limit: 8 * MiB, swap: 8 * MiB }, pids: { limit: 2 } })
    const ooms = until(group.events({ types: ['oom'] }), 'oom')
    await runInside(group, 'exec tail /dev/zero').end
    expect(await ooms).toEqual([{ type: 'oom', kills: 1 }])
    const refused = until(group.events({ types: ['pids-max'] }), 'pids-max')
    await runInside(group, "exec sh -c 'exec 2>/dev/null; sleep 0.2 & sleep 0.2 & wait'").end
    expect((await refused)[0]).toMatchObject({ type: 'pids-max', refused: expect.any(Number) })
  })

  it('tells of pressure by a trigger of the kernel', async () => {
    group = createCgroup(uniquePath(), { cpu: { quota: 20_000 } })
    const events = group.pressureEvents('cpu', { stallUsec: 50_000, windowUsec: 500_000 })
    const inside = runInside(group, 'while :; do :; done')
    const first = await events.next()
    expect(first.done).toBe(false)
    await group.kill()
    await inside.end
    await group.remove()
    group = undefined
    while ((await events.next()).done !== true);
  })

  it('limits threads by themselves', async () => {
    group = createCgroup(uniquePath(), { cpu: { quota: 100_000 } })
    const pool = createSubgroup(group, 'pool', { cpu: { quota: 10_000 } }, { threaded: true })
    expect([group.type(), pool.type()]).toEqual(['domain threaded', 'threaded'])
    const inside = runInside(group, 'echo up; while :; do :; done')
    await inside.line
    pool.addThread(inside.pid)
    expect(pool.threads()).toEqual([inside.pid])
    await sleep(500)
    expect(pool.stats().cpu!.throttling!.throttledPeriods).toBeGreaterThan(0)
    expect(pool.stats().memory).toBeUndefined()
  })

  it('is found fit by checkHost()', () => {
    const { cgroupMode, controllers, findings } = checkHost()
    expect(cgroupMode).toBe('v2')
    expect(controllers.get('memory')).toBe(2)
    const swap = findings.find(({ title }) => title === 'swap accounting')
    expect(['there', 'unknown']).toContain(swap?.availability)
  })
})
