import { setMaxListeners } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, type Program } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { spawn, type NamespaceKind, type SpawnedProcess, type SpawnOptions } from '../src/index.js'

leakCheck()

/** What an attacker has got of a process. */
interface Loot {
  readonly exe: string | number
  readonly root: boolean | number
  readonly environ: boolean | number
  readonly memory: boolean | number | null
  readonly attach: number
  readonly fd: readonly (string | number)[] | number
}

const attackerProgram = readFileSync(new URL('support/attacker.py', import.meta.url), 'utf8')

/** Starts an attacker, and gives what it has printed. */
class Attacker implements AsyncDisposable {
  #printed = ''
  readonly process: SpawnedProcess

  private constructor(process: SpawnedProcess) {
    this.process = process
    process.stdout!.on('data', (chunk: Buffer) => (this.#printed += chunk.toString()))
  }

  static async start(options: Partial<SpawnOptions>, mode: 'go' | 'hold', secret: string): Promise<Attacker> {
    const attacker = new Attacker(
      await spawn({
        command: ['/usr/bin/python3', '-c', attackerProgram, mode, secret],
        env: { PATH: '/usr/bin:/bin' },
        stdio: ['ignore', 'pipe', 'inherit'],
        ...options,
      }),
    )
    await until(() => attacker.#printed.includes('ready'))
    return attacker
  }

  get loot(): Loot[] {
    return this.#printed
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Loot)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; !condition(); n++) {
    if (n === 2400) throw new Error('it has not come about')
    await sleep(25)
  }
}

function ownProc(program: Program): void {
  program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
  program.call('mount', ['proc', '/proc', 'proc', MS_NOSUID + MS_NODEV + MS_NOEXEC, null])
}

const map = [{ inside: 0, outside: 100_000, size: 10 }]
const users: Partial<SpawnOptions> = { idMaps: { uid: map, gid: map } }

/**
 * Where descriptors of a process on its way may lead: its streams, the pipes that it reports to, its programs, what
 * it joins; the libraries of its command, once it executes that.
 */
const harmless = [
  /^(\/dev\/null|pipe:\[\d+\]|\/memfd:ctr-init \(deleted\))$/,
  /^((mnt|user|uts|net|ipc|pid|cgroup|time):\[\d+\]|anon_inode:\[pidfd\])$/,
  /^(\/usr)?\/lib\S*\/lib\S+$|^\/etc\/ld\.so\.cache$/,
]

describeOn(['root', 'userns'], 'spawn() into namespaces of hostile processes', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let secretFd: number
  let secretPath: string
  beforeAll(() => {
    folder = temporaryFolder()
    secretPath = `${folder.path}/host-file`
    writeFileSync(secretPath, 'of the host')
    secretFd = openSync(secretPath, 'r')
    process.env['CTR_TEST_SECRET'] = 'ctr-secret-in-the-environment-of-the-host-process'
  })
  afterAll(() => {
    closeSync(secretFd)
    delete process.env['CTR_TEST_SECRET']
    folder[Symbol.dispose]()
  })

  const visitor = ({ process: { pidfd } }: Attacker, kinds: readonly NamespaceKind[]): SpawnOptions => ({
    command: ['/bin/true'],
    env: {},
    stdio: ['ignore', 'ignore', 'ignore'],
    namespaces: Object.fromEntries(kinds.map((kind) => [kind, { pidfd }])),
  })

  it.each<[string, readonly NamespaceKind[], Partial<SpawnOptions>]>([
    ['root of the host in a pid namespace, with every capability', ['pid', 'mount'], { prepare: ownProc }],
    ['root of a user and pid namespace', ['user', 'pid', 'mount'], { ...users, prepare: ownProc }],
    ['root of a user namespace that sees all processes', ['user', 'mount'], users],
  ])('gives nothing of this process to %s', async (_, kinds, options) => {
    const namespaces = Object.fromEntries(kinds.map((kind) => [kind, 'new'])) as SpawnOptions['namespaces']
    await using attacker = await Attacker.start({ ...options, namespaces }, 'go', secretPath)
    for (let n = 0; n < 20 || (attacker.loot.length < 10 && n < 200); n++) {
      await Promise.all(Array.from({ length: 4 }, async () => (await spawn(visitor(attacker, kinds))).wait()))
    }
    expect(attacker.loot.length).toBeGreaterThanOrEqual(10)
    for (const { exe, environ, memory, fd } of attacker.loot) {
      if (typeof exe === 'string')
        expect(exe).toMatch(/^(\/memfd:ctr-init \(deleted\)|\/usr\/bin\/\w+|\/bin\/\w+)$/)
      expect(exe).not.toBe(process.execPath)
      expect(environ).not.toBe(true)
      expect(memory).not.toBe(true)
      for (const target of typeof fd === 'number' ? [] : fd) {
        if (typeof target === 'string' && !harmless.some((one) => one.test(target)))
          expect(target).toBe('harmless')
      }
    }
  })

  it.each<[string, readonly NamespaceKind[], Partial<SpawnOptions>]>([
    ['in a pid namespace', ['user', 'pid', 'mount'], { ...users, prepare: ownProc }],
    ['that all see', ['user', 'mount'], users],
  ])('holds no thread while children %s are stopped for ever', async (_, kinds, options) => {
    const namespaces = Object.fromEntries(kinds.map((kind) => [kind, 'new'])) as SpawnOptions['namespaces']
    await using attacker = await Attacker.start({ ...options, namespaces }, 'hold', secretPath)
    const giveUp = new AbortController()
    setMaxListeners(0, giveUp.signal)
    using _ending = { [Symbol.dispose]: () => giveUp.abort() } // nothing else ends those that are held
    const joining = new Set<Promise<SpawnedProcess | undefined>>()
    const failures: string[] = []
    const disposals: PromiseLike<void>[] = []
    const join = () => {
      const child = spawn({ ...visitor(attacker, kinds), signal: giveUp.signal }).catch((error: unknown) => {
        failures.push((error as Error).name)
        return undefined
      })
      joining.add(child)
      void child.then((started) => {
        joining.delete(child)
        if (started !== undefined) disposals.push(started[Symbol.asyncDispose]())
      })
    }
    // most are too fast for the attacker: as many as it takes until it holds more than the pool has threads
    for (let n = 0; n < 100 && joining.size < 5; n++) {
      const held = joining.size
      for (let more = 0; more < 16; more++) join()
      // those that nobody holds have the time to start
      for (let wait = 0; wait < 40 && joining.size > held; wait++) await sleep(25)
    }
    expect(joining.size).toBeGreaterThanOrEqual(5)
    // each needs a thread of the pool that children are started by
    expect(await readFile('/proc/self/comm', 'utf8')).not.toBe('')
    const another = await spawn({ command: ['/bin/true'] })
    expect(await another.wait()).toEqual({ exitCode: 0, signal: undefined })
    giveUp.abort()
    await Promise.all(joining)
    await Promise.all(disposals)
    expect(failures).toContain('AbortError')
    expect(failures.filter((name) => name !== 'AbortError')).toEqual([])
  })

  it('lets nobody hold up, or look into, a child whose new user namespace has the ids of others', async () => {
    const namespaces = { user: 'new', mount: 'new' } as const
    await using attacker = await Attacker.start({ ...users, namespaces }, 'go', secretPath)
    const start = { command: ['/bin/true'], env: {}, stdio: ['ignore', 'ignore', 'ignore'] } as const
    for (let n = 0; n < 20; n++) {
      await Promise.all(
        Array.from({ length: 4 }, async () => (await spawn({ ...start, ...users, namespaces })).wait()),
      )
    }
    for (const { exe, memory, environ } of attacker.loot) {
      expect(exe).not.toBe(process.execPath)
      expect([memory, environ]).not.toContain(true)
    }
  })

  it('has no child left that is stopped', () => {
    const children = readdirSync('/proc/self/task').flatMap((task) =>
      readFileSync(`/proc/self/task/${task}/children`, 'latin1').split(' ').filter(Boolean),
    )
    expect(children).toEqual([])
  })
})
