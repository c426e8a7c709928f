import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, createSubgroup, detectHierarchy, type Cgroup, type Hierarchy } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

let group: Cgroup | undefined
afterEach(async () => {
  await group?.[Symbol.asyncDispose]()
  group = undefined
})

const NOBODY = 65_534

function v2Only(): Hierarchy {
  const mounts = detectHierarchy().mounts.filter(({ version }) => version === 2)
  const controllers = new Map(
    mounts.flatMap((mount) => mount.controllers.map((name) => [name, mount] as const)),
  )
  return { mode: 'v2', mounts, controllers }
}

/** Runs a shell as another user, in the group. */
function asNobody(script: string): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], {
    uid: NOBODY,
    gid: NOBODY,
    encoding: 'utf8',
  })
  return { status, text: stdout + stderr }
}

describeOn(['root'], 'delegate() on the real kernel', () => {
  it('lets a user make and fill groups below on v2, and not change the limits above', async () => {
    group = createCgroup(uniquePath(), {}, { hierarchy: v2Only() })
    const folder = group.hierarchy.mounts[0]!.mountpoint + group.path
    group.delegate({ uid: NOBODY, gid: NOBODY })
    for (const file of ['', '/cgroup.procs', '/cgroup.threads', '/cgroup.subtree_control'])
      expect(statSync(folder + file)).toMatchObject({ uid: NOBODY, gid: NOBODY })
    for (const file of ['/cgroup.freeze', '/cgroup.max.depth']) expect(statSync(folder + file).uid).toBe(0)
    const made = asNobody(`mkdir ${folder}/a ${folder}/b; echo 1 > ${folder}/cgroup.max.depth`)
    expect(made.text).toMatch(/Permission denied/)
    expect(existsSync(`${folder}/a`)).toBe(true)
    // inside, the user moves processes between its groups
    const inside = runInside(
      group,
      `exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups sh -c 'echo $$ > ${folder}/a/cgroup.procs && echo $$ > ${folder}/b/cgroup.procs && cat /proc/self/cgroup | grep ^0: ; exec sleep 1000'`,
    )
    expect(await inside.line).toBe(`0::${group.path}/b`)
  })

  it('gives the files of v1 that systemd gives', () => {
    const { mounts, controllers } = detectHierarchy()
    const onV1 = mounts.filter(({ version }) => version === 1)
    if (onV1.length === 0) return // there is no v1 here
    group = createCgroup(uniquePath(), {}, { hierarchy: { mode: 'v1', mounts: onV1, controllers } })
    group.delegate({ uid: NOBODY })
    const folder = group.folder(onV1.find((mount) => mount.controllers.length > 0)!.controllers[0]!)!
    expect(statSync(folder)).toMatchObject({ uid: NOBODY, gid: 0 })
    for (const file of ['tasks', 'cgroup.procs', 'cgroup.clone_children'])
      expect(statSync(`${folder}/${file}`).uid).toBe(NOBODY)
    expect(statSync(`${folder}/notify_on_release`).uid).toBe(0)
    expect(() => group!.delegate({ uid: -1 })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }),
    )
  })
})

/** A process of two threads. */
const twoThreads = `exec python3 -c '
import threading, time
threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
print("up", flush=True)
time.sleep(1000)'`

describeOn(['root', 'bin:python3'], 'threads on the real kernel', () => {
  it('are moved one by one into threaded groups of v2', async () => {
    const hierarchy = v2Only()
    group = createCgroup(uniquePath(), {}, { hierarchy })
    expect(group.type()).toBe('domain')
    const pool = createSubgroup(group, 'pool', {}, { threaded: true })
    expect([group.type(), pool.type()]).toEqual(['domain threaded', 'threaded'])
    const inside = runInside(group, twoThreads)
    expect(await inside.line).toBe('up')
    const threads = group.threads()
    expect(threads).toHaveLength(2)
    const other = threads.find((tid) => tid !== inside.pid)!
    pool.addThread(other)
    expect(pool.threads()).toEqual([other])
    expect(group.threads()).toEqual(threads)
    expect(group.processes()).toEqual([inside.pid])
    await group.kill()
    await inside.end
  })

  it('are moved one by one into any group of v1', async () => {
    const hierarchy = detectHierarchy()
    const mounts = hierarchy.mounts.filter(({ controllers }) => controllers.includes('pids'))
    if (mounts[0]?.version !== 1) return
    group = createCgroup(uniquePath(), {}, { hierarchy: { ...hierarchy, mounts } })
    const pool = createSubgroup(group, 'pool', {}, { threaded: true })
    const inside = runInside(group, twoThreads)
    expect(await inside.line).toBe('up')
    const other = group.threads().find((tid) => tid !== inside.pid)!
    pool.addThread(other)
    expect([pool.threads(), pool.type()]).toEqual([[other], undefined])
    await group.kill()
    await inside.end
  })

  it('have no limits of memory on v2, which is said before anything is made', () => {
    const [mount] = v2Only().mounts
    const withMemory = { ...mount!, controllers: ['memory'] }
    const hierarchy: Hierarchy = {
      mode: 'v2',
      mounts: [withMemory],
      controllers: new Map([['memory', withMemory]]),
    }
    const path = uniquePath()
    expect(() => createCgroup(path, { memory: { limit: 2 ** 20 } }, { hierarchy, threaded: true })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }),
    )
    expect(existsSync(mount!.mountpoint + path)).toBe(false)
  })
})
