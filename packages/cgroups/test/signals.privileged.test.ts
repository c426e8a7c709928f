import { existsSync, readFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, type Need } from '@ctr/testing'
import { createCgroup, detectHierarchy, openCgroup, type Hierarchy } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const forking = 'trap "" TERM INT; while :; do (exec sleep 1000) & sleep 0.001; done & echo up; wait'

/** The same behaviour is expected of every kind of host that can be had here. */
function suite(hierarchy: () => Hierarchy, unified: boolean): void {
  const create = () => createCgroup(uniquePath(), {}, { hierarchy: hierarchy(), unified })

  it('kill() ends all, those that keep forking and ignore signals included', async () => {
    await using group = create()
    const child = runInside(group, forking)
    await child.line
    await sleep(100)
    expect(group.processes().length).toBeGreaterThan(3)
    await group.kill()
    expect(group.processes()).toEqual([])
    expect(await child.end).toBe('SIGKILL')
  })

  it('kill() ends what is frozen', async () => {
    await using group = create()
    const child = runInside(group, 'echo up; sleep 1000 & wait')
    await child.line
    await group.freeze()
    await group.kill()
    expect(await child.end).toBe('SIGKILL')
  })

  it('kill() with another signal only sends it', async () => {
    await using group = create()
    const child = runInside(group, 'trap "exit 7" TERM; echo up; while :; do :; done')
    await child.line
    await group.kill('SIGTERM')
    expect(await child.end).toBe(7)
    await group.kill()
  })

  it('freeze() stops a process and thaw() lets it go on', async () => {
    await using group = create()
    const { pid, line } = runInside(group, 'echo up; while :; do :; done')
    await line
    const ticks = () => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[13])
    expect(group.isFrozen()).toBe(false)
    await group.freeze()
    expect(group.isFrozen()).toBe(true)
    const frozenAt = ticks()
    await sleep(150)
    expect(ticks()).toBe(frozenAt)
    await group.thaw()
    expect(group.isFrozen()).toBe(false)
    for (let n = 0; n < 1500 && ticks() === frozenAt; n++) await sleep(20)
    expect(ticks()).toBeGreaterThan(frozenAt)
  })

  it('freeze() and kill() refuse a group that holds this process', async () => {
    const group = create()
    const home = readFileSync('/proc/self/cgroup', 'utf8')
    const back = group.hierarchy.mounts.map(
      ({ mountpoint, ownPath }) => `${mountpoint}${ownPath ?? ''}/cgroup.procs`,
    )
    try {
      group.add(process.pid)
      await expect(group.freeze()).rejects.toMatchObject({ code: 'ERR_CGROUP_BUSY' })
      await expect(group.kill()).rejects.toMatchObject({ code: 'ERR_CGROUP_BUSY' })
    } finally {
      const script = back.map((file) => `echo ${process.pid} > ${file}`).join('; ')
      await new Promise((resolve) => spawn('sh', ['-c', script]).once('close', resolve))
      await group.remove()
    }
    expect(readFileSync('/proc/self/cgroup', 'utf8')).toBe(home)
  })

  it('stops waiting when told so', async () => {
    await using group = create()
    await runInside(group, 'echo up; exec sleep 1000').line
    const signal = AbortSignal.timeout(30)
    await expect(group.remove({ signal, timeoutMs: 10_000 })).rejects.toMatchObject({
      name: expect.stringMatching(/^(Abort|Timeout)Error$/),
    })
  })
}

describeOn(['root', 'cgroup1'], 'Cgroup signals on v1', () => {
  suite(detectHierarchy, false)
})

/** A hybrid host has its unified hierarchy somewhere else than a v2 host. */
const unified: Need[] = readFileSync('/proc/self/mountinfo', 'utf8').includes(' - cgroup2 ')
  ? ['root']
  : ['root', 'cgroup2']

describeOn([...unified, 'cgroup1'], 'Cgroup signals on a hybrid host with the unified hierarchy', () => {
  suite(detectHierarchy, true)
})

describeOn(unified, 'Cgroup signals on v2', () => {
  const v2Only = (): Hierarchy => {
    const mounts = detectHierarchy().mounts.filter(({ version }) => version === 2)
    const controllers = new Map(mounts.flatMap((mount) => mount.controllers.map((name) => [name, mount])))
    return { mode: 'v2', mounts, controllers }
  }
  suite(v2Only, false)

  it('makes one folder, counts processor time, and removes it', async () => {
    const hierarchy = v2Only()
    const parent = uniquePath()
    const group = createCgroup(`${parent}/child`, {}, { hierarchy })
    const folder = hierarchy.mounts[0]!.mountpoint + group.path
    expect(existsSync(`${folder}/cgroup.procs`)).toBe(true)
    expect(await runInside(group, 'i=0; while ((i < 50000)); do ((i++)); done').end).toBe(0)
    expect(group.stats().cpu?.usageUsec).toBeGreaterThan(1000)
    await group.remove()
    expect(existsSync(folder)).toBe(false)
    await openCgroup(parent, { hierarchy }).remove()
  })
})
