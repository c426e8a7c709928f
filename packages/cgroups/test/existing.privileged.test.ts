import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, detectHierarchy, openCgroup, pathsBelowOwn } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()
const hierarchy = detectHierarchy
const folderIn = (controller: string, path: string) =>
  hierarchy().controllers.get(controller)!.mountpoint + path

describeOn(['root', 'cgroup1'], 'createCgroup() of a group that is there', () => {
  it('uses it when it is asked to, and keeps its cpuset', async () => {
    const path = uniquePath()
    const cpuset = folderIn('cpuset', path)
    mkdirSync(cpuset)
    writeFileSync(`${cpuset}/cpuset.mems`, '0')
    writeFileSync(`${cpuset}/cpuset.cpus`, '1')
    expect(() => createCgroup(path)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_EXISTS' }))
    await using group = createCgroup(path, { pids: { limit: 9 } }, { existing: 'use' })
    expect(readFileSync(`${cpuset}/cpuset.cpus`, 'utf8')).toBe('1\n')
    expect(readFileSync(`${group.folder('pids')!}/pids.max`, 'utf8')).toBe('9\n')
    expect(await runInside(group, 'exec true').end).toBe(0)
  })

  it('refuses one with processes, in any hierarchy and below it, and takes back what it made', async () => {
    const path = uniquePath()
    const first = createCgroup({ pids: `${path}/below` })
    const inside = runInside(first, 'echo up; exec sleep 1000')
    await inside.line
    expect(() => createCgroup(path, {}, { existing: 'use' })).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_BUSY',
        message: expect.stringMatching(/is not empty: 1 process/),
      }),
    )
    expect(existsSync(folderIn('memory', path))).toBe(false)
    await first.kill()
    await openCgroup(path).remove()
  })

  it('refuses a frozen one', () => {
    const path = uniquePath()
    const freezer = folderIn('freezer', path)
    mkdirSync(freezer)
    writeFileSync(`${freezer}/freezer.state`, 'FROZEN')
    expect(() => createCgroup(path, {}, { existing: 'use' })).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_FROZEN' }),
    )
    expect(existsSync(folderIn('memory', path))).toBe(false)
    writeFileSync(`${freezer}/freezer.state`, 'THAWED')
    rmdirSync(freezer)
  })
})

describeOn(['root', 'cgroup1'], 'groups at different places of the hierarchies', () => {
  it('are made below the own groups, and found again by their paths', async () => {
    const name = uniquePath().slice(1)
    const paths = pathsBelowOwn(name, hierarchy())
    const own = hierarchy().controllers.get('memory')!.ownPath!
    expect(paths['memory']).toBe(`${own === '/' ? '' : own}/${name}`)
    {
      const group = createCgroup(paths, { pids: { limit: 5 } })
      expect(group.folder('memory')).toBe(folderIn('memory', paths['memory']!))
      expect(Object.keys(group.paths)).toEqual(
        expect.arrayContaining(['memory', 'pids', 'cpuset', 'name=systemd']),
      )
      await using again = openCgroup(JSON.parse(JSON.stringify(group.paths)) as Record<string, string>)
      const inside = runInside(again, `n=$(grep -c "/${name}$" /proc/self/cgroup); echo $n; exec sleep 1000`)
      expect(Number(await inside.line)).toBe(Object.keys(group.paths).length)
      expect(group.processes()).toEqual([inside.pid])
    }
    expect(existsSync(folderIn('memory', paths['memory']!))).toBe(false)
  })

  it('refuses paths that lead elsewhere', () => {
    for (const bad of [{}, { memory: '/../x' }, { memory: 'x' }])
      expect(() => createCgroup(bad)).toThrow(expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }))
    expect(() => pathsBelowOwn('../x', hierarchy())).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }),
    )
  })
})

describeOn(['root', 'cgroup1'], 'Cgroup.subgroup()', () => {
  it('joins groups below, some hierarchies apart', async () => {
    await using group = createCgroup(uniquePath())
    for (const one of ['memory/submem', 'cpu/subcpu', 'cpuacct/subcpu']) {
      const [controller, name] = one.split('/') as [string, string]
      mkdirSync(`${group.folder(controller)!}/${name}`, { recursive: true })
    }
    const part = group.subgroup({ memory: 'submem', cpu: 'subcpu', cpuacct: 'subcpu' })
    const inside = runInside(part, 'tr "\\n" " " </proc/self/cgroup; echo; exec sleep 1000')
    const line = await inside.line
    expect(line).toContain(`:memory:${group.path}/submem `)
    expect(line).toMatch(new RegExp(`:cpu[^:]*:${group.path}/subcpu `))
    expect(line).toContain(`:pids:${group.path} `)
    expect(group.processes()).toEqual([inside.pid])
    expect(group.subgroup('/').folder('pids')).toBe(group.folder('pids'))
  })

  it('leads nowhere else', async () => {
    await using group = createCgroup(uniquePath())
    const refused = (below: string | Record<string, string>, code: string, message: RegExp) => {
      expect(() => group.subgroup(below)).toThrow(
        expect.objectContaining({ code, message: expect.stringMatching(message) }),
      )
    }
    for (const out of ['..', '../..', 'a/../..', `../${group.path.slice(1)}x`])
      refused(out, 'ERR_CGROUP_INVALID_ARG', /\.\..* is not a sub cgroup path/)
    refused('nonexistent', 'ERR_CGROUP_NOT_FOUND', /nonexistent/)
    refused({ cpu: 'nonexistent' }, 'ERR_CGROUP_NOT_FOUND', /cpu.*nonexistent/)
    refused({ whaaat: '/' }, 'ERR_CGROUP_NO_CONTROLLER', /unknown controller whaaat/)
  })
})
