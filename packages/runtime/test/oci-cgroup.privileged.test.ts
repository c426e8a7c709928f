import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { detectHierarchy, type Cgroup } from '@ctr/cgroups'
import { cgroupPathOf } from '../src/oci/cgroup/cgroup-path.js'
import {
  createContainerCgroup,
  execCgroup,
  openSavedCgroup,
  savedPathsOf,
  updateContainerCgroup,
} from '../src/oci/cgroup/container-cgroup.js'
import { eventText } from '../src/oci/cgroup/event-text.js'
import { containerEvents, type ContainerEvent } from '../src/oci/cgroup/events.js'
import { resourcesOf } from '../src/oci/cgroup/resources.js'
import { containerStats } from '../src/oci/cgroup/stats/stats.js'
import { updateOf } from '../src/oci/cgroup/update.js'
import type { ConfigResources } from '../src/oci/config/config-resources.js'

leakCheck()

const MiB = 2 ** 20
const hierarchy = detectHierarchy()
const id = `ctr-oci-cgroup-${process.pid}`
let cgroup: Cgroup | undefined
const create = (config: ConfigResources, path?: string): Cgroup =>
  (cgroup = createContainerCgroup({
    path: cgroupPathOf(path, id, hierarchy),
    resources: resourcesOf(config, hierarchy),
    hierarchy,
  }))
const read = (controller: string, file: string) =>
  readFileSync(`${cgroup!.folder(controller)!}/${file}`, 'utf8').trim()
/** Runs a script inside, after it has joined as a container's first process does. */
function inside(group: Cgroup, script: string) {
  using fds = group.openJoinFds()
  const join = fds.writeZero.map((_, n) => `echo 0 >&${n + 3}; exec ${n + 3}>&-`).join('; ')
  return spawn('bash', ['-c', `${join}; ${script}`], {
    stdio: ['ignore', 'pipe', 'inherit', ...fds.writeZero],
  })
}
afterEach(async () => {
  await cgroup?.[Symbol.asyncDispose]()
  cgroup = undefined
})

describeOn(['root', 'cgroup1'], "a container's cgroup on v1", () => {
  it('has the limits of its config, and those of updates', () => {
    const config: ConfigResources = {
      memory: { limit: 32 * MiB, reservation: 24 * MiB, kernelTCP: 4 * MiB },
      cpu: { shares: 100, quota: 500_000, period: 1_000_000 },
      pids: { limit: 20 },
    }
    create(config)
    let known = config
    const change = (resources: ConfigResources) => {
      const { applied, kept } = updateOf(known, resources)
      updateContainerCgroup(cgroup!, resourcesOf(applied, hierarchy, { devices: false }))
      known = kept
    }
    const memory = () => [
      read('memory', 'memory.limit_in_bytes'),
      read('memory', 'memory.memsw.limit_in_bytes'),
    ]
    change({ memory: { limit: 64 * MiB } })
    change({ memory: { swap: -1 } })
    change({ memory: { swap: 92 * MiB } })
    expect(memory()).toEqual([String(64 * MiB), String(92 * MiB)])
    change({ memory: { limit: -1 } })
    expect(memory()).toEqual(['9223372036854771712', '9223372036854771712'])
    change({ memory: { limit: 30 * MiB, swap: 50 * MiB } })
    change({ memory: { limit: 60 * MiB, swap: 80 * MiB } })
    expect(memory()).toEqual([String(60 * MiB), String(80 * MiB)])
    change({ cpu: { quota: -1 } })
    change({ cpu: { period: 900_000 } })
    expect([read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.cfs_period_us')]).toEqual(['-1', '900000'])
    for (const idle of [1, 0, 1]) {
      change({ cpu: { idle } })
      expect(read('cpu', 'cpu.idle')).toBe(String(idle))
    }
    change({ cpu: { period: 10_000 }, pids: { limit: -1 } })
    expect([read('cpu', 'cpu.idle'), read('pids', 'pids.max')]).toEqual(['1', 'max'])
    expect(read('devices', 'devices.list').split('\n')).toContain('c 136:* rwm')
  })

  it('is refused where somebody else is, or where it would not run', async () => {
    const path = `/${id}`
    create({}, path)
    const child = inside(cgroup!, 'echo up; exec sleep 1000')
    await once(child.stdout!, 'data')
    const first = cgroup!
    expect(() => create({}, path)).toThrow(/^container's cgroup is not empty/)
    await first.kill()
    await first.remove()
    cgroup = undefined
    const freezer = `${hierarchy.controllers.get('freezer')!.mountpoint}${path}`
    mkdirSync(freezer)
    writeFileSync(`${freezer}/freezer.state`, 'FROZEN')
    try {
      expect(() => create({}, path)).toThrow(/^container's cgroup unexpectedly frozen/)
    } finally {
      rmdirSync(freezer)
    }
    expect(() => create({ unified: { 'memory.min': '131072' } })).toThrow(/^invalid configuration/)
  })

  it('is found again by the paths of a state file', () => {
    create({})
    const saved = JSON.parse(JSON.stringify(savedPathsOf(cgroup!))) as Record<string, string>
    expect(saved['memory']).toBe(cgroup!.folder('memory'))
    expect(saved['name=systemd']).toBeDefined()
    expect(openSavedCgroup(saved, hierarchy)!.paths).toEqual(cgroup!.paths)
    expect(openSavedCgroup({ memory: '/sys/fs/cgroup/memory/not-there' }, hierarchy)).toBeUndefined()
  })

  it('lets exec join parts of it', () => {
    create({})
    mkdirSync(`${cgroup!.folder('memory')!}/part`)
    expect(execCgroup(cgroup!, ['memory,freezer:/', 'pids:/']).folder('memory')).toBe(
      cgroup!.folder('memory'),
    )
    expect(execCgroup(cgroup!, ['memory:part']).folder('memory')).toBe(`${cgroup!.folder('memory')!}/part`)
    expect(() => execCgroup(cgroup!, ['..'])).toThrow(/ \.\. is not a sub cgroup path/)
    expect(() => execCgroup(cgroup!, ['nope'])).toThrow(/ adding pid .*\/nope\/cgroup\.procs: no such file /)
    expect(() => execCgroup(cgroup!, ['whaaat:/'])).toThrow(/unknown controller /)
    expect(() => execCgroup(cgroup!, ['memory:part', 'memory:/'])).toThrow(/given twice/)
    expect(() => execCgroup(cgroup!, ['part', 'memory:/'])).toThrow(/CONTROLLER:/)
  })

  it('counts what is used, and prints numbers exactly', async () => {
    create({ pids: { limit: 20 } })
    const child = inside(cgroup!, 'i=0; while ((i < 100000)); do ((i++)); done; echo up; exec sleep 1000')
    await once(child.stdout!, 'data')
    const stats = containerStats(cgroup!)
    expect(stats.cpu.usage.total).toBeGreaterThan(10_000_000)
    expect(stats.cpu.usage.percpu!.length).toBeGreaterThan(0)
    expect(stats.cpu.usage.percpu_user).toHaveLength(stats.cpu.usage.percpu!.length)
    expect(stats.cpuset['cpus']).toEqual(expect.arrayContaining([0]))
    expect(stats.pids).toEqual({ current: 1, limit: 20 })
    expect(stats.memory.usage.usage).toBeGreaterThan(0)
    expect(stats.memory.raw).toHaveProperty('total_rss')
    expect(eventText(stats)).toContain('"limit":9223372036854771712')
  })

  it('tells of statistics and of missing memory until it is removed', async () => {
    create({ memory: { limit: 8 * MiB, swap: 8 * MiB } })
    const seen: ContainerEvent[] = []
    const watched = (async () => {
      for await (const event of containerEvents(cgroup!, id, { intervalMs: 20 })) seen.push(event)
    })()
    while (!seen.some(({ type }) => type === 'stats')) await new Promise((resolve) => setTimeout(resolve, 5))
    await once(inside(cgroup!, 'exec tail /dev/zero'), 'close')
    while (!seen.some(({ type }) => type === 'oom')) await new Promise((resolve) => setTimeout(resolve, 5))
    const folder = cgroup!.folder('memory')!
    await cgroup!.remove()
    cgroup = undefined
    await watched
    expect(existsSync(folder)).toBe(false)
    expect(seen.find(({ type }) => type === 'oom')).toEqual({ type: 'oom', id })
  })
})
