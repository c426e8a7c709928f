import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import {
  createCgroup,
  createSubgroup,
  detectHierarchy,
  type Cgroup,
  type CgroupEvent,
  type EventOptions,
  type Hierarchy,
  type Resources,
} from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
let group: Cgroup | undefined
const create = (resources: Resources = {}, hierarchy?: Hierarchy): Cgroup =>
  (group = createCgroup(uniquePath(), resources, { hierarchy }))
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

/** Collects events; `until` waits for one. */
function watch(watched: Cgroup, options?: EventOptions) {
  const events = watched.events(options)
  const seen: CgroupEvent[] = []
  let wake: () => void = () => undefined
  const end = (async () => {
    for await (const event of events) {
      seen.push(event)
      wake()
    }
    wake()
  })()
  return {
    seen,
    end,
    close: () => events.return!(),
    async until(wanted: Partial<Record<string, unknown>>): Promise<CgroupEvent> {
      for (;;) {
        const found = seen.find((event) =>
          Object.entries(wanted).every(([key, value]) => event[key as keyof CgroupEvent] === value),
        )
        if (found) return found
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}

/** The unified hierarchy alone, as a host of v2 has it, here without controllers where all are on v1. */
function v2Only(): Hierarchy {
  const mounts = detectHierarchy().mounts.filter(({ version }) => version === 2)
  const controllers = new Map(
    mounts.flatMap((mount) => mount.controllers.map((name) => [name, mount] as const)),
  )
  return { mode: 'v2', mounts, controllers }
}

describeOn(['root', 'cgroup1'], 'events() of v1 on the real kernel', () => {
  it('tells of OOM kills with their number, and ends when the group is removed', async () => {
    create({ memory: { limit: 8 * MiB, swap: 8 * MiB } })
    const events = watch(group!, { types: ['oom'] })
    const hog = runInside(group!, 'exec tail /dev/zero')
    expect(await events.until({ type: 'oom' })).toEqual({ type: 'oom', kills: 1 })
    expect(await hog.end).toBe('SIGKILL')
    await group!.remove()
    group = undefined
    await events.end
    expect(events.seen).toEqual([{ type: 'oom', kills: 1 }])
  })

  it('tells of an OOM kill in a group below', async () => {
    create({ memory: { limit: 8 * MiB, swap: 8 * MiB } })
    const below = createSubgroup(group!, 'below')
    const events = watch(group!, { types: ['oom'] })
    await runInside(below, 'exec tail /dev/zero').end
    expect(await events.until({ type: 'oom' })).toEqual({ type: 'oom', kills: 1 })
    await events.close()
  })

  it('tells when processes wait for memory, with the OOM killer off', async () => {
    create({ memory: { limit: 8 * MiB, swap: 8 * MiB, disableOOMKiller: true } })
    const events = watch(group!, { types: ['oom'] })
    const hog = runInside(group!, 'exec tail /dev/zero')
    expect(await events.until({ type: 'oom' })).toEqual({ type: 'oom', kills: 0 })
    expect(group!.stats().memory?.isUnderOom).toBe(true)
    await group!.kill()
    expect(await hog.end).toBe('SIGKILL')
    await events.close()
  })

  it('tells when the first process comes, and when the last ends', async () => {
    create()
    const events = watch(group!, { types: ['populated'] })
    // the first one that is watched ends before the others
    const inside = runInside(group!, 'sleep 0.3 & exec sleep 0.6')
    await events.until({ type: 'populated', populated: true })
    await inside.end
    await events.until({ type: 'populated', populated: false })
    const again = runInside(group!, 'exec sleep 1000')
    await sleep(300)
    await group!.kill()
    await again.end
    await group!.remove()
    group = undefined
    await events.end
    expect(events.seen.map((event) => event.type === 'populated' && event.populated)).toEqual([
      true,
      false,
      true,
      false,
    ])
  })

  it('tells of processes in groups below, also in those that are made meanwhile', async () => {
    create()
    const known = createSubgroup(group!, 'known')
    const events = watch(group!, { types: ['populated'] })
    for (const parent of [known, group!]) {
      const below = parent === group ? createSubgroup(parent, 'new') : parent
      for (const name of ['', 'deep']) {
        // only once nobody is in the one above: that hands on what v2 has, and holds no processes then
        const one = name === '' ? below : createSubgroup(below, name)
        const inside = runInside(one, 'exec sleep 1000')
        await events.until({ type: 'populated', populated: true })
        await one.kill()
        await inside.end
        await events.until({ type: 'populated', populated: false })
        events.seen.length = 0
      }
    }
    await known.remove()
    createSubgroup(group!, 'known')
    const inside = runInside(known, 'exec sleep 1000')
    await events.until({ type: 'populated', populated: true })
    await group!.kill()
    await inside.end
    await group!.remove()
    group = undefined
    await events.end
  })

  it('tells of freezing, also of that of a group above', async () => {
    create()
    const below = createSubgroup(group!, 'below')
    const inside = runInside(below, 'echo up; while :; do :; done')
    await inside.line
    const events = watch(below, { types: ['frozen'] })
    await below.freeze()
    await events.until({ type: 'frozen', frozen: true })
    await below.thaw()
    await events.until({ type: 'frozen', frozen: false })
    events.seen.length = 0
    await group!.freeze()
    await events.until({ type: 'frozen', frozen: true })
    await group!.thaw()
    await events.until({ type: 'frozen', frozen: false })
    await events.close()
  })

  it('tells of refused forks, at the latest when the last process ends', async () => {
    create({ pids: { limit: 2 } })
    const events = watch(group!)
    // not bash, which tries again for half a minute
    const inside = runInside(group!, "exec sh -c 'exec 2>/dev/null; sleep 0.2 & sleep 0.2 & wait'")
    await inside.end
    const event = await events.until({ type: 'pids-max' })
    expect(event.type === 'pids-max' && event.refused).toBeGreaterThan(0)
    await events.close()
  })

  it('ends by its signal, and by break; keeps one event of a kind', async () => {
    create({ memory: { limit: 8 * MiB, swap: 8 * MiB } })
    const controller = new AbortController()
    const events = group!.events({ signal: controller.signal })
    const next = events.next()
    controller.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    const others = group!.events({ types: ['oom'] })
    for (let n = 0; n < 2; n++) await runInside(group!, 'exec tail /dev/zero').end
    await sleep(500)
    expect(await others.next()).toEqual({ done: false, value: { type: 'oom', kills: 2 } })
    await others.return!()
    expect((await others.next()).done).toBe(true)
    expect(() => group!.events({ signal: AbortSignal.abort() })).toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    )
  })

  it('refuses what a group cannot tell of, and leaves nothing open', () => {
    create({}, v2Only())
    expect(() => group!.events({ types: ['populated', 'oom'] })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_NO_CONTROLLER' }),
    )
  })
})

describeOn(['root'], 'events() of v2 on the real kernel', () => {
  it('tells of processes and freezing, and ends when the group is removed', async () => {
    create({}, v2Only())
    const events = watch(group!)
    const inside = runInside(group!, 'echo up; exec sleep 1000')
    await inside.line
    await events.until({ type: 'populated', populated: true })
    await group!.freeze()
    await events.until({ type: 'frozen', frozen: true })
    await group!.thaw()
    await events.until({ type: 'frozen', frozen: false })
    await group!.kill()
    await events.until({ type: 'populated', populated: false })
    await group!.remove()
    group = undefined
    await events.end
    expect(events.seen).toHaveLength(4)
  })

  it('watches many groups with one descriptor', async () => {
    const groups = Array.from({ length: 40 }, () => createCgroup(uniquePath(), {}, { hierarchy: v2Only() }))
    const watches = groups.map((one) => watch(one))
    const inside = runInside(groups[17]!, 'exec sleep 1000')
    await watches[17]!.until({ type: 'populated', populated: true })
    expect(watches.filter(({ seen }) => seen.length > 0)).toHaveLength(1)
    await groups[17]!.kill()
    await inside.end
    for (const one of groups) await one.remove()
    await Promise.all(watches.map(({ end }) => end))
  })
})

describe('pressure', () => {
  describeOn(['root', 'cgroup1'], 'pressure() and pressureEvents() on the real kernel', () => {
    it('are of the group where it is in the unified hierarchy, else of the host', () => {
      const hierarchy = detectHierarchy()
      const onV1 = { ...hierarchy, mounts: hierarchy.mounts.filter(({ version }) => version === 1) }
      create({}, onV1)
      expect(group!.pressure('memory').scope).toBe('host')
      expect(group!.pressure('cpu').some.totalUsec).toBeGreaterThan(0)
    })

    it('tell when a group waits for a processor, until it is removed', async () => {
      const hierarchy = detectHierarchy()
      group = createCgroup(uniquePath(), { cpu: { cpus: '0' } }, { unified: true, hierarchy })
      expect(group.pressure('cpu')).toMatchObject({ scope: 'group', some: { avg10: 0 } })
      const events = group.pressureEvents('cpu', { stallUsec: 100_000 })
      const spin = 'while :; do :; done'
      const inside = runInside(group, `${spin} & ${spin} & ${spin}`)
      const first = await events.next()
      expect(first.done === true ? 0 : first.value.some.totalUsec).toBeGreaterThan(100_000)
      const rest = (async () => {
        for await (const { some } of events) expect(some.totalUsec).toBeGreaterThan(0)
      })()
      await group.kill()
      await inside.end
      await group.remove()
      group = undefined
      await rest
    })

    it('end by their signal, and refuse what the kernel does not take', async () => {
      create({}, v2Only())
      const controller = new AbortController()
      const events = group!.pressureEvents('io', { stallUsec: 1_000_000, signal: controller.signal })
      const next = events.next()
      controller.abort()
      expect((await next).done).toBe(true)
      expect(() => group!.pressureEvents('io', { stallUsec: 3_000_000 })).toThrow(
        expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }),
      )
    })
  })
})
