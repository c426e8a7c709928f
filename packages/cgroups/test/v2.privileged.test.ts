import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, type Need } from '@ctr/testing'
import { createCgroup, detectHierarchy, openCgroup, type Hierarchy } from '../src/index.js'
import { enableControllers } from '../src/group/enable-controllers.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

/** A hybrid host has its unified hierarchy somewhere else than a v2 host. */
const needs: Need[] = readFileSync('/proc/self/mountinfo', 'utf8').includes(' - cgroup2 ')
  ? ['root']
  : ['root', 'cgroup2']

describeOn(needs, 'enableControllers() on the real kernel', () => {
  it('explains that a group with processes cannot hand controllers on', async () => {
    const { mountpoint, controllers } = detectHierarchy().mounts.find(({ version }) => version === 2)!
    const name = controllers[0]
    if (name === undefined) return // every controller of this kernel is on v1: there is nothing to hand on
    const control = `${mountpoint}/cgroup.subtree_control`
    const before = readFileSync(control, 'utf8').split(/\s+/)
    const folder = mountpoint + uniquePath()
    mkdirSync(folder)
    const child = spawn('sleep', ['1000'])
    try {
      writeFileSync(control, `+${name}`)
      writeFileSync(`${folder}/cgroup.procs`, String(child.pid))
      expect(() => enableControllers(folder, [name])).toThrow(
        expect.objectContaining({
          code: 'ERR_CGROUP_BUSY',
          errno: 'EBUSY',
          message: expect.stringContaining('child group first'),
        }),
      )
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
      rmdirSync(folder)
      if (!before.includes(name)) writeFileSync(control, `-${name}`)
    }
  })
})

describeOn(needs, 'Cgroup on v2 against what is inside', () => {
  const v2Only = (): Hierarchy => {
    const mounts = detectHierarchy().mounts.filter(({ version }) => version === 2)
    return { mode: 'v2', mounts, controllers: new Map() }
  }

  it('kills and removes groups that were made threaded, deep and many', async () => {
    const hierarchy = v2Only()
    await using group = createCgroup(uniquePath(), {}, { hierarchy })
    const folder = hierarchy.mounts[0]!.mountpoint + group.path
    const inside = runInside(
      group,
      `cd ${folder}; mkdir -p a/b/c/d e f g; echo threaded > e/cgroup.type; echo 0 > e/cgroup.threads; echo up; exec sleep 1000`,
    )
    expect(await inside.line).toBe('up')
    expect(readFileSync(`${folder}/e/cgroup.type`, 'utf8').trim()).toBe('threaded')
    expect(group.processes()).toEqual([inside.pid])
    await group.kill()
    expect(await inside.end).toBe('SIGKILL')
    await group.remove()
  })

  it('kills and removes a group that was made threaded itself', async () => {
    const hierarchy = v2Only()
    await using parent = createCgroup(uniquePath(), {}, { hierarchy })
    const path = `${parent.path}/inner`
    const folder = hierarchy.mounts[0]!.mountpoint + path
    mkdirSync(folder) // by somebody else: a group of ours would be handed the controllers that some hosts have there
    writeFileSync(`${folder}/cgroup.type`, 'threaded')
    const group = openCgroup(path, { hierarchy })
    const inside = runInside(parent, `echo 0 > ${folder}/cgroup.threads; echo up; exec sleep 1000`)
    expect(await inside.line).toBe('up')
    expect(group.processes()).toEqual([inside.pid])
    await group.kill()
    expect(await inside.end).toBe('SIGKILL')
    await parent.remove()
  })
})
