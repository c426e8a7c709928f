import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, cpuBandwidth, detectHierarchy, openCgroup, type Cgroup } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
const top = '/sys/fs/cgroup'

describeOn(['root', 'cgroup2'], 'a host with some controllers on v1 and the rest on v2', () => {
  const v1 = ['pids', 'freezer', 'net_cls']
  const mountpoint = (controller: string): string => `/run/ctr-hybrid/${controller}`
  let handedOn: readonly string[]
  let group: Cgroup | undefined

  beforeAll(() => {
    // a controller moves only when no group of v2 has it
    handedOn = readFileSync(`${top}/cgroup.subtree_control`, 'utf8').split(/\s+/).filter(Boolean)
    if (handedOn.includes('pids')) writeFileSync(`${top}/cgroup.subtree_control`, '-pids')
    for (const controller of v1) {
      mkdirSync(mountpoint(controller), { recursive: true })
      execFileSync('mount', ['-t', 'cgroup', '-o', controller, 'cgroup', mountpoint(controller)])
    }
  })
  afterEach(async () => {
    await group?.[Symbol.asyncDispose]()
    group = undefined
  })
  afterAll(async () => {
    for (const controller of v1) execFileSync('umount', [mountpoint(controller)])
    // v2 has it again after an unmount at which the kernel has forgotten all groups of v1
    const isBack = (): boolean => /\bpids\b/.test(readFileSync(`${top}/cgroup.controllers`, 'utf8'))
    for (let n = 0; n < 600 && !isBack(); n++) {
      await sleep(100)
      if (isBack()) break
      execFileSync('mount', ['-t', 'cgroup', '-o', 'pids', 'cgroup', mountpoint('pids')])
      execFileSync('umount', [mountpoint('pids')])
    }
    rmSync('/run/ctr-hybrid', { recursive: true })
    if (handedOn.includes('pids')) writeFileSync(`${top}/cgroup.subtree_control`, '+pids')
  })

  it('is found as it is', () => {
    const { mode, controllers } = detectHierarchy()
    expect(mode).toBe('hybrid')
    const versions = ['pids', 'freezer', 'net_cls', 'memory', 'cpu', 'io'].map((name) => [
      name,
      controllers.get(name)?.version,
    ])
    expect(versions).toEqual([
      ['pids', 1],
      ['freezer', 1],
      ['net_cls', 1],
      ['memory', 2],
      ['cpu', 2],
      ['io', 2],
    ])
    expect(controllers.get('pids')?.mountpoint).toBe(mountpoint('pids'))
  })

  it('limits in each hierarchy what it has, by one group', async () => {
    const path = uniquePath()
    group = createCgroup(path, {
      memory: { limit: 16 * MiB, swap: 16 * MiB },
      cpu: cpuBandwidth(0.5),
      pids: { limit: 12 },
      network: { classID: 0x10_0001 },
    })
    const read = (folder: string, file: string): string =>
      readFileSync(`${folder}${path}/${file}`, 'utf8').trim()
    expect(read(top, 'memory.max')).toBe(String(16 * MiB))
    expect(read(top, 'cpu.max')).toBe('50000 100000')
    expect(read(mountpoint('pids'), 'pids.max')).toBe('12')
    expect(read(mountpoint('net_cls'), 'net_cls.classid')).toBe(String(0x10_0001))

    const bomb = runInside(group, 'b() { b & b & wait; }; exec 2>/dev/null; (b &) ; echo up; sleep 1000')
    await bomb.line
    for (let n = 0; n < 1000 && group.stats().pids?.limitHits === 0; n++) await sleep(50)
    const { pids, memory, cpu } = group.stats()
    expect(pids).toMatchObject({ limit: 12 })
    expect(pids!.current).toBeLessThanOrEqual(12)
    expect(pids!.limitHits).toBeGreaterThan(0)
    expect(memory).toMatchObject({ limit: 16 * MiB, oomKills: 0 })
    expect(cpu!.usageUsec).toBeGreaterThan(0)
    await group.freeze()
    expect(group.isFrozen()).toBe(true)
    await group.thaw()
    group.update({ pids: { limit: 5 }, memory: { limit: 8 * MiB, swap: 8 * MiB } })
    expect([read(mountpoint('pids'), 'pids.max'), read(top, 'memory.max')]).toEqual(['5', String(8 * MiB)])
    await openCgroup(path).kill()
    expect(group.processes()).toEqual([])
  })

  it('kills and reports a memory hog on v2 beside pids of v1', async () => {
    group = createCgroup(uniquePath(), { memory: { limit: 16 * MiB, swap: 16 * MiB }, pids: { limit: 12 } })
    const events = group.events({ types: ['oom'] })
    const first = events.next()
    expect(await runInside(group, 'exec tail /dev/zero').end).toBe('SIGKILL')
    expect(await first).toEqual({ done: false, value: { type: 'oom', kills: 1 } })
    await events.return!()
  })

  it('leaves no group in any of them when the kernel refuses a value in the last', () => {
    const path = uniquePath()
    expect(() =>
      createCgroup(path, { pids: { limit: 12 }, rdma: { 'ctr-none': { hcaHandles: 1 } } }),
    ).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_REFUSED' }))
    for (const folder of [top, ...v1.map(mountpoint)])
      expect(() => readFileSync(`${folder}${path}/cgroup.procs`)).toThrow('ENOENT')
  })
})
