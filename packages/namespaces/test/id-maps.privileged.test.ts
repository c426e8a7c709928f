import { chmodSync } from 'node:fs'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck } from '@ctr/testing'
import { spawn } from '../src/index.js'
import { runAsUser, USER } from './support/ordinary-user.js'

leakCheck()

/** Starts processes with the maps that are found, all at once, and prints what each says of its ids. */
const program = (count: number, options = ''): string => `
import { text } from 'node:stream/consumers'
import { findIdMaps, spawn } from '@ctr/namespaces'
const { maps, limited } = findIdMaps(${options})
const all = await Promise.all(Array.from({ length: ${count} }, async () => {
  const child = await spawn({
    command: ['sh', '-c', 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups'],
    namespaces: { user: 'new', pid: 'new' },
    idMaps: maps,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const printed = await text(child.stdout!)
  await child.wait()
  return printed.split(/\\s+/).filter(Boolean).join(' ')
}))
console.log(JSON.stringify({ limited, all }))
`

interface Printed {
  readonly limited?: string
  readonly all: readonly string[]
}

describeOn(['root', 'userns', 'bin:newuidmap'], 'findIdMaps() and spawn() as an ordinary user', () => {
  it('maps the own id and all subordinate ones, found by name and by number', async () => {
    const subuid = `other:700000:5\ntester:600000:1000\n# tester:1:1\n${USER}:601000:500\ntester:620000:10\n`
    const { limited, all } = JSON.parse(await runAsUser(program(24), { subuid })) as Printed
    expect(limited).toBeUndefined()
    const map = `0 ${USER} 1 1 600000 1500 1501 620000 10`
    expect(all).toEqual(Array.from({ length: 24 }, () => `0 0 ${map} ${map} allow`))
  })

  it('keeps the own id inside where that is asked for', async () => {
    const files = { subuid: 'tester:600000:100', subgid: 'tester:800000:100' }
    const { all } = JSON.parse(await runAsUser(program(1, '{ uid: 10, gid: 20 }'), files)) as Printed
    expect(all).toEqual([
      `0 0 0 600000 10 10 ${USER} 1 11 600010 90 0 800000 20 20 ${USER} 1 21 800020 80 allow`,
    ])
  })

  it('maps one id where there are no others, and says what to do about it', async () => {
    const { limited, all } = JSON.parse(await runAsUser(program(24))) as Printed
    expect(limited).toMatch(
      new RegExp(
        `^only one id is mapped: /etc/subuid and /etc/subgid have no ids for user ${USER}; .*usermod`,
      ),
    )
    const map = `0 ${USER} 1`
    expect(all).toEqual(Array.from({ length: 24 }, () => `0 0 ${map} ${map} deny`))
  })

  it('says whose ids the host does not give away', async () => {
    const printed = await runAsUser(
      `
import { openUserNamespace } from '@ctr/namespaces'
const map = [{ inside: 0, outside: 600000, size: 10 }]
await openUserNamespace({ uid: map, gid: map }).catch((error) => console.log(error.code, error.message))
`,
      { subuid: 'tester:600000:9' },
    )
    expect(printed).toMatch(
      /^ERR_NAMESPACES_ID_MAP cannot map 0:600000:10: newgidmap: .* \/etc\/subgid must give/,
    )
  })
})

describeOn(['root', 'userns'], 'user namespaces', () => {
  const map = (inside: number, outside: number, size: number) => [{ inside, outside, size }]

  it('nest: a process in one makes another of the ids that it has', async () => {
    using program = bundle(`
import { spawn } from '@ctr/namespaces'
const map = [{ inside: 5, outside: 1000, size: 10 }, { inside: 0, outside: 2000, size: 1 }]
const child = await spawn({
  command: ['sh', '-c', 'id -u; cat /proc/self/uid_map'],
  namespaces: { user: 'new', pid: 'new' },
  idMaps: { uid: map, gid: map },
})
await child.wait()
`)
    chmodSync(dirname(program.path), 0o755)
    const outer = map(0, 100_000, 65_536)
    const child = await spawn({
      command: [process.execPath, program.path],
      cwd: '/',
      namespaces: { user: 'new', mount: 'new' },
      idMaps: { uid: outer, gid: outer },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const printed = await text(child.stdout!)
    await child.wait()
    expect(printed.split(/\s+/).filter(Boolean).map(Number)).toEqual([0, 5, 1000, 10, 0, 2000, 1])
  })

  it('deny setgroups where that is asked for', async () => {
    const ids = map(0, 100_000, 10)
    const denied = { uid: ids, gid: ids, setgroups: 'deny' } as const
    const start = (groups?: readonly number[]) =>
      spawn({
        command: ['cat', '/proc/self/setgroups'],
        namespaces: { user: 'new' },
        idMaps: denied,
        user: { uid: 1, gid: 1, groups },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
    const child = await start()
    expect(await text(child.stdout!)).toBe('deny\n')
    await child.wait()
    await expect(start([1])).rejects.toMatchObject({ cause: { syscall: 'setgroups', code: 'EPERM' } })
  })
})
