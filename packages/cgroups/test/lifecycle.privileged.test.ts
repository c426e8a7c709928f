import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { afterEach, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import {
  createCgroup,
  defaultDeviceRules,
  detectHierarchy,
  listCgroups,
  openCgroup,
  type Cgroup,
} from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const MiB = 2 ** 20
const open: AsyncDisposable[] = []
const owned = <T extends AsyncDisposable>(handle: T): T => {
  open.push(handle)
  return handle
}
afterEach(async () => {
  for (const handle of open.splice(0).reverse()) await handle[Symbol.asyncDispose]()
})
const folders = (path: string) =>
  detectHierarchy()
    .mounts.map(({ mountpoint }) => mountpoint + path)
    .filter((folder) => existsSync(folder))
/** Hierarchies that groups are made in: on some hosts that of v2 has a controller beside v1. */
const used = () =>
  detectHierarchy().mounts.filter(({ version, controllers }) => version === 1 || controllers.length > 0)
const read = (group: Cgroup, controller: string, file: string) =>
  readFileSync(`${group.folder(controller)!}/${file}`, 'utf8').trim()

describeOn(['root', 'cgroup1'], 'createCgroup() on v1', () => {
  it('makes the group in every hierarchy that has controllers, writes the limits, and removes all of it', async () => {
    const path = uniquePath()
    const group = createCgroup(path, {
      cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 20_000, cpus: '0' },
      memory: { limit: 64 * MiB, swap: 96 * MiB, reservation: 32 * MiB, swappiness: 10 },
      pids: { limit: 64 },
      devices: defaultDeviceRules,
    })
    open.push(group)
    expect(folders(path)).toEqual(used().map(({ mountpoint }) => mountpoint + path))
    expect(read(group, 'cpu', 'cpu.shares')).toBe('512')
    expect(read(group, 'cpu', 'cpu.cfs_quota_us')).toBe('50000')
    expect(read(group, 'cpu', 'cpu.cfs_burst_us')).toBe('20000')
    expect(read(group, 'cpuset', 'cpuset.cpus')).toBe('0')
    expect(read(group, 'cpuset', 'cpuset.mems')).not.toBe('')
    expect(read(group, 'memory', 'memory.limit_in_bytes')).toBe(String(64 * MiB))
    expect(read(group, 'memory', 'memory.memsw.limit_in_bytes')).toBe(String(96 * MiB))
    expect(read(group, 'memory', 'memory.swappiness')).toBe('10')
    expect(read(group, 'pids', 'pids.max')).toBe('64')
    expect(read(group, 'devices', 'devices.list').split('\n')).toContain('c 1:3 rwm')
    expect(group.stats().memory).toMatchObject({ limit: 64 * MiB, swap: { limit: 32 * MiB } })
    await group.remove()
    expect(folders(path)).toEqual([])
    await group.remove() // idempotent
  })

  it('makes groups above that are missing, with filled cpusets', async () => {
    const path = uniquePath()
    const group = createCgroup(`${path}/a/b`)
    owned(openCgroup(path))
    expect(read(group, 'cpuset', 'cpuset.cpus')).not.toBe('')
    expect(listCgroups(path)).toEqual([`${path}/a`])
    await group.remove()
    expect(listCgroups(`${path}/a`)).toEqual([])
    await openCgroup(path).remove()
    expect(folders(path)).toEqual([])
  })

  it('refuses a group that is there and leaves it alone', () => {
    const group = owned(createCgroup(uniquePath(), { pids: { limit: 7 } }))
    expect(() => createCgroup(group.path)).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_EXISTS', path: group.path }),
    )
    expect(read(group, 'pids', 'pids.max')).toBe('7')
  })

  it('leaves nothing when one hierarchy fails in the middle', () => {
    const path = uniquePath()
    const last =
      detectHierarchy()
        .mounts.filter(({ version }) => version === 1)
        .at(-1)!.mountpoint + path
    mkdirSync(last)
    try {
      expect(() => createCgroup(path)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_EXISTS' }))
      expect(folders(path)).toEqual([last])
    } finally {
      rmdirSync(last)
    }
  })

  it('leaves nothing, parents included, when the kernel refuses a value, and names file, value and errno', () => {
    const path = uniquePath()
    expect(() =>
      createCgroup(`${path}/child`, { memory: { limit: 64 * MiB }, cpu: { cpus: '4000' } }),
    ).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_REFUSED',
        path: `${detectHierarchy().controllers.get('cpuset')!.mountpoint}${path}/child/cpuset.cpus`,
        value: '4000',
        errno: expect.stringMatching(/^E(INVAL|RANGE)$/),
      }),
    )
    expect(folders(path)).toEqual([])
  })

  it('says a missing controller before anything is made', () => {
    const path = uniquePath()
    const here = detectHierarchy()
    const hierarchy = {
      ...here,
      controllers: new Map([...here.controllers].filter(([name]) => name !== 'pids')),
    }
    expect(() => createCgroup(path, { pids: { limit: 1 } }, { hierarchy })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_NO_CONTROLLER' }),
    )
    expect(folders(path)).toEqual([])
  })

  it('removes a group with sub-groups made by others, and one that is half gone', async () => {
    const group = createCgroup(uniquePath())
    mkdirSync(`${group.folder('memory')!}/inner/deeper`, { recursive: true })
    rmdirSync(group.folder('pids')!)
    const again = owned(openCgroup(group.path))
    expect(again.folder('pids')).toBeUndefined()
    expect(again.stats().pids).toBeUndefined()
    await again.remove()
    expect(folders(group.path)).toEqual([])
    expect(() => openCgroup(group.path)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_NOT_FOUND' }))
  })

  it('is found again and emptied by another handle, as after a crash', async () => {
    const parent = uniquePath()
    const lost = createCgroup(`${parent}/one`)
    const inside = runInside(lost, 'echo up; sleep 1000 & sleep 1000')
    await inside.line
    expect(listCgroups(parent)).toEqual([`${parent}/one`])
    await using found = openCgroup(listCgroups(parent)[0]!)
    expect(found.processes()).toContain(inside.pid)
    await found[Symbol.asyncDispose]()
    await openCgroup(parent).remove()
    expect(await inside.end).toBe('SIGKILL')
    expect(folders(parent)).toEqual([])
  })

  it('reports all hierarchies together when processes are left', async () => {
    const group = owned(createCgroup(uniquePath()))
    await runInside(group, 'echo up; exec sleep 1000').line
    const error: unknown = await group.remove({ timeoutMs: 20 }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'ERR_CGROUP_BUSY',
      path: group.path,
      message: expect.stringContaining('kill() them first'),
    })
    expect((error as { cause: AggregateError }).cause.errors).toHaveLength(used().length)
  })
})

describeOn(['root', 'cgroup1'], 'Cgroup on v1', () => {
  it('add() moves a running process, and says when there is none', async () => {
    const group = owned(createCgroup(uniquePath()))
    const child = spawn('sleep', ['1000'])
    group.add(child.pid!)
    expect(group.processes()).toEqual([child.pid])
    const memberships = readFileSync(`/proc/${String(child.pid)}/cgroup`, 'utf8')
      .trim()
      .split('\n')
    expect(memberships.filter((line) => line.endsWith(group.path))).toHaveLength(used().length)
    expect(() => group.add(2 ** 22 + 1)).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_NO_PROCESS', errno: 'ESRCH' }),
    )
    expect(() => group.add(0)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }))
    await group.kill()
  })

  it('update() raises and lowers memory and swap together, and explains a refusal', () => {
    const group = owned(createCgroup(uniquePath(), { memory: { limit: 32 * MiB, swap: 32 * MiB } }))
    const limits = () => [group.stats().memory?.limit, group.stats().memory?.swap?.limit]
    group.update({ memory: { limit: 64 * MiB, swap: 64 * MiB } })
    expect(limits()).toEqual([64 * MiB, 0])
    group.update({ memory: { limit: 16 * MiB, swap: 24 * MiB } })
    expect(limits()).toEqual([16 * MiB, 8 * MiB])
    expect(() => group.update({ memory: { limit: 64 * MiB } })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_REFUSED',
        errno: 'EINVAL',
        message: expect.stringContaining('memory.swap'),
      }),
    )
    group.update({ memory: { limit: 'max', swap: 'max' } })
    expect(limits()).toEqual(['max', 'max'])
    group.update({ cpu: { quota: 50_000, burst: 40_000 } })
    group.update({ cpu: { quota: 20_000, burst: 10_000 } })
    group.update({ cpu: { quota: 'max' }, pids: { limit: 'max' } })
    expect(group.stats().pids?.limit).toBe('max')
  })

  it('openJoinFds() opens one file a hierarchy and closes all of them', () => {
    const group = owned(createCgroup(uniquePath(), {}, { unified: true }))
    const fds = group.openJoinFds({ cloneInto: true })
    expect(fds.writeZero).toHaveLength(group.hierarchy.mounts.filter(({ version }) => version === 1).length)
    expect(fds.cloneInto === undefined).toBe(group.hierarchy.mode === 'v1')
    const flags = readFileSync(`/proc/self/fdinfo/${fds.writeZero[0]!}`, 'utf8')
    expect(flags).toMatch(/^flags:\t02/m) // close-on-exec
    fds.close()
    fds.close()
  })

  it('throws typed errors once it is gone', async () => {
    const group = createCgroup(uniquePath())
    await group.remove()
    expect(group.processes()).toEqual([])
    expect(group.oomKills()).toBe(0)
    await group.kill()
    expect(() => group.stats()).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_NOT_FOUND' }))
    expect(() => group.add(process.pid)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_NOT_FOUND' }))
    expect(() => group.update({ pids: { limit: 1 } })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_NOT_FOUND' }),
    )
    await expect(group.freeze()).rejects.toMatchObject({ code: 'ERR_CGROUP_NOT_FOUND' })
    expect(() => group.openJoinFds()).toThrow(expect.objectContaining({ errno: 'ENOENT' }))
  })
})
