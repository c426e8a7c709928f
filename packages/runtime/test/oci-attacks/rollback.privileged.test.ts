import { spawn as spawnNode } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck } from '@ctr/testing'
import type { CreateOptions } from '../../src/oci/create.js'
import { Arena, type Change } from '../support/arena.js'

leakCheck({ settleMs: 10_000 })

const here = dirname(fileURLToPath(import.meta.url))

describeOn(['root', 'bin:busybox'], 'OciRuntime.create() that fails', () => {
  let arena: Arena
  beforeAll(() => {
    arena = new Arena()
    mkdirSync(join(arena.path, 'state'))
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  const linux =
    (more: object): Change =>
    (config) => ({ ...config, linux: { ...config.linux, ...more } })
  const process_ =
    (more: object): Change =>
    (config) => ({ ...config, process: { ...config.process!, ...more } })
  const hook =
    (kind: string, script: string): Change =>
    (config) => ({ ...config, hooks: { [kind]: [{ path: '/bin/sh', args: ['sh', '-c', script] }] } })
  const same: Change = (config) => config

  const steps: readonly [string, Change, Partial<CreateOptions>?][] = [
    [
      'a last mount without a source',
      (config) => ({
        ...config,
        mounts: [
          ...(config.mounts ?? []),
          { destination: '/tmp/x', type: 'bind', source: '/does/not/exist', options: ['bind'] },
        ],
      }),
    ],
    [
      'a last mount of an unknown kind',
      (config) => ({
        ...config,
        mounts: [...(config.mounts ?? []), { destination: '/tmp/x', type: 'nosuchfs', source: 'x' }],
      }),
    ],
    [
      'a last mount with a wrong option',
      (config) => ({
        ...config,
        mounts: [
          ...(config.mounts ?? []),
          { destination: '/tmp/x', type: 'tmpfs', source: 'x', options: ['size=nonsense'] },
        ],
      }),
    ],
    ['a missing command', process_({ args: ['/does/not/exist'] })],
    ['a command that is a folder', process_({ args: ['/tmp'] })],
    ['a sysctl that is not there', linux({ sysctl: { 'net.does.not.exist': '1' } })],
    ['a limit that the kernel refuses', linux({ resources: { cpu: { cpus: '4095' } } })],
    [
      'a namespace that is not there',
      linux({ namespaces: [{ type: 'mount' }, { type: 'network', path: '/does/not/exist' }] }),
    ],
    ['a failing prestart hook', hook('prestart', 'exit 3')],
    ['a failing createRuntime hook', hook('createRuntime', 'exit 3')],
    ['a failing createContainer hook', hook('createContainer', 'exit 3')],
    [
      'a hook that kills the process',
      hook('createRuntime', 'kill -9 $(sed \'s/.*"pid":\\([0-9]*\\).*/\\1/\')'),
    ],
    ['a pid file that cannot be written', same, { pidFile: '/proc/nowhere/pid' }],
    ['a pidfd socket without a listener', same, { pidfdSocket: '/does/not/exist' }],
    [
      'a console socket without a listener',
      process_({ terminal: true }),
      { consoleSocket: '/does/not/exist' },
    ],
    ['a console socket without a terminal', same, { consoleSocket: '/does/not/exist' }],
    ['a terminal without a console socket', process_({ terminal: true })],
    [
      'a terminal without pseudo terminals',
      (config) => ({
        ...config,
        mounts: config.mounts?.filter(({ type }) => type !== 'devpts'),
        process: { ...config.process!, terminal: true },
      }),
      { terminal: 'stream' },
    ],
    [
      'a capability filter that the kernel refuses',
      linux({ seccomp: { defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/does/not/exist', syscalls: [] } }),
    ],
    [
      'a seccomp listener that nobody is at',
      linux({
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: '/does/not/exist',
          syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
        },
      }),
    ],
  ]

  /** What this process has open, but for what Node opens and closes as it likes. */
  const fds = (): number => readdirSync('/proc/self/fd').length

  it.each(steps)('leaves nothing after %s', async (_, change, options = {}) => {
    const bundle = arena.bundle(['true'], change)
    const once = async (): Promise<void> => {
      const made = arena.runtime.create('failing', {
        bundle,
        stdio: ['ignore', 'ignore', 'ignore'],
        ...options,
      })
      await expect(made.then((container) => container.delete({ force: true }))).rejects.toMatchObject({
        name: 'RuntimeError',
      })
      expect(readdirSync(join(arena.path, 'state'))).toEqual([])
      expect(existsSync('/sys/fs/cgroup/pids/failing') || existsSync('/sys/fs/cgroup/failing')).toBe(false)
    }
    await once() // the first time opens what stays open
    const before = fds()
    for (let n = 0; n < 3; n++) await once()
    expect(fds()).toBeLessThanOrEqual(before)
  })

  it('leaves nothing where whoever is at the console socket hangs up', async () => {
    const path = join(arena.path, 'console')
    const server = createServer((socket) => socket.destroy()).listen(path)
    await once(server, 'listening')
    try {
      const bundle = arena.bundle(['sleep', '60'], process_({ terminal: true }))
      for (let n = 0; n < 5; n++) {
        // it may have been sent before the end
        await arena.runtime.create('hung-up', { bundle, consoleSocket: path }).then(
          (container) => container.delete({ force: true }),
          (error: unknown) => {
            expect(error).toMatchObject({ name: 'RuntimeError' })
          },
        )
        expect(readdirSync(join(arena.path, 'state'))).toEqual([])
      }
    } finally {
      server.close()
    }
  })

  it('ends a process executed in a container that nobody could be told of', async () => {
    await using attacker = await arena.start('exec sleep 60')
    await expect(attacker.exec(['sleep', '61'], { pidFile: '/proc/nowhere/pid' })).rejects.toThrow()
    expect(attacker.container.processes()).toEqual([attacker.container.pid])
  })
})

describeOn(['root', 'bin:busybox'], 'OciRuntime with many at once', () => {
  it('makes 12 containers with hooks at the same time', async () => {
    using arena = new Arena()
    const hooks = Object.fromEntries(
      ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map(
        (kind) => [kind, [{ path: '/bin/sh', args: ['sh', '-c', 'cat >/dev/null; sleep 0.05'] }]],
      ),
    )
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, n) => arena.run(`echo ${n}`, (config) => ({ ...config, hooks }))),
    )
    expect(outcomes.map(({ output }) => output)).toEqual(Array.from({ length: 12 }, (_, n) => `${n}\n`))
  })

  it('lists and removes what a process has left that was killed at any instant', async () => {
    using arena = new Arena()
    using worker = bundleFile(join(here, '../support/create-worker.ts'))
    const root = join(arena.path, 'state')
    const hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'cat >/dev/null'] }] }
    const bundles = [
      arena.bundle('exec sleep 60'),
      arena.bundle('exec sleep 60', (config) => ({ ...config, hooks })),
    ]
    let found = 0
    for (let n = 0; n < 50; n++) {
      const child = spawnNode(process.execPath, [worker.path, root, bundles[n % 2]!], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      await sleep(20 + Math.random() * 60)
      child.kill('SIGKILL')
      await once(child, 'close')
      // paused: killed while it ended one whose cgroup of v1 is frozen for that
      for (const container of arena.runtime.list())
        expect(container.state().status).toMatch(/^(creating|created|running|paused|stopped)$/)
      for (const id of readdirSync(root)) {
        found++
        await arena.runtime
          .container(id)
          .delete({ force: true })
          .catch((error: unknown) => {
            throw new Error(`${id}: ${readdirSync(join(root, id)).join(' ')}`, { cause: error })
          })
      }
      expect(readdirSync(root)).toEqual([])
      const groups = readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => / - cgroup2? /.test(line))
        .map((line) => line.split(' ')[4]!)
      expect(
        groups.flatMap((folder) =>
          readdirSync(folder)
            .filter((name) => name.startsWith(`killed-${child.pid!}-`))
            .map((name) => join(folder, name)),
        ),
      ).toEqual([])
    }
    expect(found).toBeGreaterThan(10)
  })
})
