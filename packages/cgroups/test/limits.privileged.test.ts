import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, cpuBandwidth, defaultDeviceRules, type Cgroup, type Resources } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
let group: Cgroup | undefined
const create = (resources: Resources): Cgroup => (group = createCgroup(uniquePath(), resources))
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

describeOn(['root', 'cgroup1'], 'limits on the real kernel', () => {
  it('memory: a hog is OOM-killed, and reported once', async () => {
    const limited = create({ memory: { limit: 16 * MiB } })
    const hog = runInside(limited, 'exec tail /dev/zero') // keeps all of an endless line
    expect(await hog.end).toBe('SIGKILL')
    expect(limited.oomKills()).toBe(1)
    const { memory } = limited.stats()
    expect(memory).toMatchObject({ oomKills: 1, limit: 16 * MiB, peak: 16 * MiB })
    expect(memory?.limitHits).toBeGreaterThan(0)
  })

  it('memory: the smallest limit lets a small program run', async () => {
    const limited = create({ memory: { limit: 512 * 1024, swap: 512 * 1024 } })
    expect(await runInside(limited, 'exec true').end).toBe(0)
    expect(limited.oomKills()).toBe(0)
  })

  it('memory: lowering the limit below what cannot be reclaimed is refused clearly', async () => {
    const limited = create({ memory: { limit: 64 * MiB, swap: 64 * MiB } })
    // a shell holds a few copies of its variables: far from the first limit, far above the second
    expect(
      await runInside(limited, "x=$(head -c 6M /dev/zero | tr '\\0' x); echo up; sleep 1000; :").line,
    ).toBe('up')
    expect(() => limited.update({ memory: { limit: MiB, swap: MiB } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_REFUSED',
        errno: 'EBUSY',
        message: expect.stringContaining('could not reclaim'),
      }),
    )
  })

  it('pids: a fork bomb ends at the limit', async () => {
    const limited = create({ pids: { limit: 12 } })
    const bomb = runInside(limited, 'b() { b & b & wait; }; exec 2>/dev/null; (b &) ; echo up; sleep 1000')
    await bomb.line
    for (let n = 0; n < 1500 && limited.stats().pids?.limitHits === 0; n++) await sleep(20)
    const { pids } = limited.stats()
    expect(pids?.limit).toBe(12)
    expect(pids?.limitHits).toBeGreaterThan(0)
    expect(pids?.current).toBeLessThanOrEqual(12)
    await limited.kill()
    expect(limited.processes()).toEqual([])
  })

  it('cpu: a spinning process gets its quota', async () => {
    const limited = create({ cpu: cpuBandwidth(0.2, 20_000) })
    const spin = runInside(limited, 'echo up; while :; do :; done')
    await spin.line
    const [before, start] = [limited.stats(), performance.now()]
    await sleep(1500)
    const [after, elapsed] = [limited.stats(), (performance.now() - start) * 1000]
    const share = (after.cpu!.usageUsec - before.cpu!.usageUsec) / elapsed
    // never above its quota; below it when other work keeps the machine busy
    expect(share).toBeLessThan(0.24)
    expect(share).toBeGreaterThan(0.05)
    expect(after.cpu?.throttling?.throttledPeriods).toBeGreaterThan(0)
    expect(after.cpu?.throttling?.throttledUsec).toBeGreaterThan(0)
  })

  it('cpuset: shows in /proc/PID/status', async () => {
    const limited = create({ cpu: { cpus: '0', mems: '0' } })
    const { pid, line } = runInside(limited, 'echo up; exec sleep 1000')
    await line
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\t0$/m)
  })

  it('devices: what is not allowed cannot be opened', async () => {
    const limited = create({ devices: defaultDeviceRules })
    const script = `(: </dev/null) && (: </dev/zero) && ! (: </dev/kmsg) 2>/dev/null`
    expect(await runInside(limited, `${script}; exit $?`).end).toBe(0)
    const noZero = { allow: false, type: 'c', major: 1, minor: 5, access: 'rw' } as const
    limited.update({ devices: [...defaultDeviceRules, noZero] })
    expect(await runInside(limited, '! (: </dev/zero) 2>/dev/null').end).toBe(0)
  })

  it('stats: time and memory of real work', async () => {
    const limited = create({})
    expect(
      await runInside(
        limited,
        'i=0; while ((i < 100000)); do ((i++)); done; x=$(head -c 1M /dev/zero | tr "\\0" x)',
      ).end,
    ).toBe(0)
    const { cpu, memory, io } = limited.stats()
    expect(cpu!.usageUsec).toBeGreaterThan(10_000)
    // counted in clock ticks on v1, so the sum is only about the usage
    expect(cpu!.userUsec + cpu!.systemUsec).toBeGreaterThan(0)
    expect(memory?.peak).toBeGreaterThan(100_000)
    expect(memory?.limit).toBe('max')
    expect(io?.readBytes).toBeGreaterThanOrEqual(0)
  })
})
