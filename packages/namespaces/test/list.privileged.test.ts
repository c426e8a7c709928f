import { execFileSync } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import {
  inspectNamespaces,
  listNamespaces,
  openUserNamespace,
  pin,
  procName,
  spawn,
  unpin,
} from '../src/index.js'
import { runAsUser, USER } from './support/ordinary-user.js'

leakCheck()

/** A row of lsns(8). */
interface Row {
  readonly ns: number
  readonly type: string
  readonly nprocs: number
  readonly pid: number | null
  readonly pns: number
  readonly ons: number
}

function lsns(): Row[] {
  const columns = 'NS,TYPE,NPROCS,PID,PNS,ONS'
  const { namespaces } = JSON.parse(
    execFileSync('lsns', ['--json', '--output', columns], { encoding: 'utf8' }),
  ) as { namespaces: Row[] }
  return namespaces
}

const sleeper = { command: ['sleep', '60'], stdio: ['ignore', 'ignore', 'ignore'] } as const
const map = [{ inside: 0, outside: 100_000, size: 10 }]

describeOn(['root', 'bin:lsns'], 'listNamespaces() beside lsns', () => {
  it('has the same members, owners and parents', async () => {
    await using outer = await spawn({
      ...sleeper,
      namespaces: {
        user: 'new',
        pid: 'new',
        mount: 'new',
        network: 'new',
        uts: 'new',
        ipc: 'new',
        cgroup: 'new',
        time: 'new',
      },
      idMaps: { uid: map, gid: map },
    })
    await using inner = await spawn({
      ...sleeper,
      namespaces: { user: { pidfd: outer.pidfd }, pid: 'new', uts: 'new' },
    })
    const ids = new Set([
      ...Object.values(inspectNamespaces(outer.pid)),
      ...Object.values(inspectNamespaces(inner.pid)),
    ])
    // both look while other processes come and go: only what is ours and what stays is compared
    const ours = new Set(Object.values(inspectNamespaces()))
    const shown = lsns().filter(({ ns }) => ids.has(ns))
    const listed = listNamespaces().filter(({ id }) => ids.has(id))
    expect(listed.length).toBe(ids.size)
    for (const { kind, id, pids, userNamespace, parent } of listed) {
      const row = shown.find(({ ns }) => ns === id)!
      expect(row).toMatchObject({ type: procName[kind], pns: parent ?? 0, ons: userNamespace ?? 0 })
      if (ours.has(id)) continue
      expect(row).toMatchObject({ nprocs: pids.length, pid: pids[0] })
    }
    const made = listed.find(({ kind, pids }) => kind === 'user' && pids.includes(outer.pid))!
    expect(made).toMatchObject({ pids: [outer.pid, inner.pid], owner: 0, parent: inspectNamespaces().user })
    const uts = listed.find(({ kind, pids }) => kind === 'uts' && pids[0] === inner.pid)!
    expect(uts).toMatchObject({ userNamespace: made.id, owner: 0, pids: [inner.pid] })
  })

  it('has namespaces without processes: pinned ones, with their files, and those that descriptors keep', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/a network`
    {
      await using child = await spawn({ ...sleeper, namespaces: { network: 'new' } })
      pin({ pid: child.pid }, 'network', path)
    }
    const fd = await openUserNamespace({ uid: map, gid: map })
    try {
      const pinned = listNamespaces().find(({ pins }) => pins.includes(path))
      expect(pinned).toMatchObject({
        kind: 'network',
        pids: [],
        userNamespace: inspectNamespaces().user,
        owner: 0,
      })
      const { ino } = fstatSync(fd)
      expect(listNamespaces().find(({ id }) => id === ino)).toBeUndefined()
      expect(listNamespaces({ descriptors: true }).find(({ id }) => id === ino)).toMatchObject({
        kind: 'user',
        pids: [],
        holders: [process.pid],
        parent: inspectNamespaces().user,
      })
    } finally {
      closeSync(fd)
      unpin(path)
    }
    expect(listNamespaces().flatMap(({ pins }) => pins)).not.toContain(path)
  })

  it('has the user namespace that only its children lead to', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/uts`
    let user: number
    {
      await using child = await spawn({
        ...sleeper,
        namespaces: { user: 'new', uts: 'new' },
        idMaps: { uid: map, gid: map },
      })
      user = inspectNamespaces(child.pid).user!
      pin({ pid: child.pid }, 'uts', path)
    }
    try {
      expect(listNamespaces().find(({ id }) => id === user)).toMatchObject({
        kind: 'user',
        pids: [],
        pins: [],
      })
    } finally {
      unpin(path)
    }
  })

  it('shows an ordinary user what is its own, with its number as owner', async () => {
    const printed = await runAsUser(`
import { listNamespaces, inspectNamespaces, spawn } from '@ctr/namespaces'
await using child = await spawn({ command: ['sleep', '60'], stdio: ['ignore', 'ignore', 'ignore'], namespaces: { user: 'new', uts: 'new' } })
const { user, uts } = inspectNamespaces(child.pid)
const all = listNamespaces()
console.log(JSON.stringify([all.find(({ id }) => id === user), all.find(({ id }) => id === uts)].map((each) => [each.pids.length, each.owner])))
try { inspectNamespaces(1) } catch (error) { console.log(error.code) }
`)
    expect(printed.split('\n').slice(0, 2)).toEqual([
      JSON.stringify([
        [1, USER],
        [1, USER],
      ]),
      'ERR_NAMESPACES_NOT_FOUND',
    ])
  })

  it('reads a namespace of a process by its link alone', () => {
    const fd = openSync('/proc/self/ns/uts', 'r')
    expect(inspectNamespaces(process.pid).uts).toBe(fstatSync(fd).ino)
    closeSync(fd)
  })
})
