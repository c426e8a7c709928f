import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import type { OciContainer } from '../../src/oci/container.js'
import { Arena, type Attacker, type Change } from '../support/arena.js'

leakCheck({ settleMs: 10_000 })

const limited: Change = (config) => ({
  ...config,
  linux: { ...config.linux, resources: { pids: { limit: 200 }, memory: { limit: 64 * 2 ** 20 } } },
})

/** Forks for ever: each process makes two, and ends. */
const bomb = 'bomb() { bomb & bomb & }; bomb; while :; do bomb; sleep 0.01; done'

describeOn(['root', 'bin:busybox'], 'OciRuntime and containers that will not hold still', () => {
  let arena: Arena
  beforeAll(() => {
    arena = new Arena()
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  const left = (): string[] => readdirSync(join(arena.path, 'state'))

  async function within<T>(ms: number, work: Promise<T>): Promise<T> {
    const ac = new AbortController()
    const late = sleep(ms, undefined, { signal: ac.signal }).then(() => {
      throw new Error(`not within ${ms} ms`)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      ac.abort()
      late.catch(() => undefined)
    }
  }

  it.each([
    ['in its own pid namespace', (config: Parameters<Change>[0]) => limited(config)],
    [
      'in the pid namespace of the host',
      (config: Parameters<Change>[0]) => {
        const { linux, ...rest } = limited(config)
        return {
          ...rest,
          linux: { ...linux, namespaces: linux?.namespaces?.filter(({ type }) => type !== 'pid') },
        }
      },
    ],
  ])('deletes one that forks without end, %s', async (_, change) => {
    const attacker = await arena.start(bomb, change)
    await sleep(200)
    await within(15_000, attacker.container.delete({ force: true }))
    expect(left()).toEqual([])
  })

  it('kills all of one that forks without end', async () => {
    const attacker = await arena.start(bomb, limited)
    await sleep(200)
    attacker.container.kill(9, { all: true })
    await within(15_000, attacker.container.wait())
    await within(15_000, attacker.container.delete())
    expect(left()).toEqual([])
  })

  it.each([
    [
      'kill',
      (container: OciContainer) => {
        container.kill(9)
        return Promise.resolve()
      },
    ],
    [
      'kill all',
      (container: OciContainer) => {
        container.kill(9, { all: true })
        return Promise.resolve()
      },
    ],
    [
      'delete',
      async (container: OciContainer) => {
        await container.delete({ force: true })
      },
    ],
  ])('ends one that is frozen: %s', async (_, end) => {
    const attacker = await arena.start('sleep 60 & sleep 60')
    await attacker.container.pause()
    await within(15_000, end(attacker.container))
    await within(15_000, attacker.container.wait())
    if (left().length > 0) await within(15_000, attacker.container.delete({ force: true }))
    expect(left()).toEqual([])
  })

  it('deletes one with processes in groups below its own, some of them frozen', async () => {
    const attacker = await arena.start('sleep 61 & sleep 62 & sleep 63')
    await sleep(200)
    const pids = attacker.container.processes()
    for (const mount of readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => / - cgroup2? /.test(line))
      .map((line) => line.split(' ')[4]!)) {
      const folder = join(mount, attacker.container.id)
      if (!existsSync(folder)) continue
      mkdirSync(join(folder, 'a/b'), { recursive: true })
      if (mount.includes('cpuset')) continue
      writeFileSync(join(folder, 'a/cgroup.procs'), String(pids[1]))
      writeFileSync(join(folder, 'a/b/cgroup.procs'), String(pids[2]))
      if (existsSync(join(folder, 'a/b/freezer.state')))
        writeFileSync(join(folder, 'a/b/freezer.state'), 'FROZEN')
    }
    await within(20_000, attacker.container.delete({ force: true }))
    expect(left()).toEqual([])
    for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(false)
  })

  it('comes to an end where the container dies while processes join', async () => {
    for (let n = 0; n < 12; n++) {
      const attacker = await arena.start('exec sleep 60')
      const joining = Array.from({ length: 4 }, () =>
        attacker.exec(['sleep', '60']).catch((error: unknown) => error),
      )
      await sleep(n * 3)
      attacker.container.kill(9)
      for (const outcome of await within(15_000, Promise.all(joining)))
        if (outcome instanceof Error) expect(outcome).toMatchObject({ name: 'RuntimeError' })
      await within(15_000, attacker.container.delete({ force: true }))
    }
    expect(left()).toEqual([])
  })

  it('comes to an end where it is frozen while processes join', async () => {
    for (let n = 0; n < 5; n++) {
      const attacker = await arena.start('exec sleep 60')
      const joining = Array.from({ length: 6 }, () =>
        attacker.exec(['true']).catch((error: unknown) => error),
      )
      await sleep(n * 4)
      await attacker.container.pause().catch(() => undefined)
      await within(15_000, attacker.container.delete({ force: true }))
      await within(15_000, Promise.all(joining))
    }
    expect(left()).toEqual([])
  })

  it('says why where there is no memory or no process left to begin with', async () => {
    const small: Change = (config) => ({
      ...config,
      linux: { ...config.linux, resources: { memory: { limit: 64 * 1024 } } },
    })
    const outcome = await within(
      20_000,
      arena.run(['sleep', '0'], small).catch((error: unknown) => error),
    )
    if (outcome instanceof Error) expect(outcome).toMatchObject({ name: 'RuntimeError' })
    expect(left()).toEqual([])
    let attacker: Attacker | undefined
    try {
      attacker = await arena.start('exec sleep 60', (config) => ({
        ...config,
        linux: { ...config.linux, resources: { pids: { limit: 1 } } },
      }))
      const joined = await within(
        20_000,
        attacker.exec(['true']).catch((error: unknown) => error),
      )
      if (joined instanceof Error) expect(joined).toMatchObject({ name: 'RuntimeError' })
    } finally {
      await attacker?.container.delete({ force: true })
    }
    expect(left()).toEqual([])
  })
})
