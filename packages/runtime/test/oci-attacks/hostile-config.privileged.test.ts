import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Arena, type Change } from '../support/arena.js'

leakCheck()

const MiB = 2 ** 20

describeOn(['root', 'bin:busybox'], 'OciRuntime and hostile bundles', () => {
  let arena: Arena
  beforeAll(() => {
    arena = new Arena()
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  const left = (): string[] => {
    const state = join(arena.path, 'state')
    return existsSync(state) ? readdirSync(state) : []
  }

  it.each([
    ['is 20 MiB', (file: string) => writeFileSync(file, `{"a": "${'x'.repeat(20 * MiB)}"}`)],
    [
      'is nested 1 000 000 times',
      (file: string) => writeFileSync(file, `{"annotations": ${'['.repeat(MiB)}${']'.repeat(MiB)}}`),
    ],
    [
      'is nested 1 000 000 times where nobody looks',
      (file: string) => writeFileSync(file, `{"x": ${'{"x":'.repeat(MiB)}1${'}'.repeat(MiB)}}`),
    ],
    ['is no JSON', (file: string) => writeFileSync(file, 'ociVersion: 1')],
    ['is a list', (file: string) => writeFileSync(file, '[]')],
    ['is a named pipe', (file: string) => execFileSync('mkfifo', [file])],
    ['is endless', (file: string) => symlinkSync('/dev/zero', file)],
    ['is a folder', (file: string) => mkdirSync(file)],
    ['is a link to itself', (file: string) => symlinkSync('config.json', file)],
    ['is missing', () => undefined],
  ])('refuses a config that %s', async (_, make) => {
    const bundle = arena.bundle(['true'])
    rmSync(join(bundle, 'config.json'))
    make(join(bundle, 'config.json'))
    await expect(arena.runtime.create('hostile', { bundle })).rejects.toMatchObject({
      name: 'RuntimeError',
      code: 'ERR_RUNTIME_CONFIG',
    })
    expect(left()).toEqual([])
  })

  const mount =
    (destination: string, more: object = {}): Change =>
    (config) => ({
      ...config,
      mounts: [...(config.mounts ?? []), { destination, type: 'tmpfs', source: 'tmpfs', ...more }],
    })
  const process_ =
    (more: object): Change =>
    (config) => ({ ...config, process: { ...config.process!, ...more } })
  const linux =
    (more: object): Change =>
    (config) => ({ ...config, linux: { ...config.linux, ...more } })

  it.each<[string, Change]>([
    ['a NUL in a destination', mount('/tmp/a\0b')],
    ['a NUL in a source', mount('/tmp/a', { type: 'bind', source: '/etc\0', options: ['bind'] })],
    ['a NUL in an argument', process_({ args: ['true', 'a\0b'] })],
    ['a NUL in a variable', process_({ env: ['A=b\0c'] })],
    ['a NUL in the working directory', process_({ cwd: '/a\0' })],
    ['a NUL in the host name', (config) => ({ ...config, hostname: 'a\0b' })],
    ['a NUL in the root', (config) => ({ ...config, root: { path: 'rootfs\0' } })],
    ['a root that is a file', (config) => ({ ...config, root: { path: 'config.json' } })],
    ['a root that is not there', (config) => ({ ...config, root: { path: 'nowhere' } })],
    ['a working directory that is relative', process_({ cwd: 'tmp' })],
    ['no arguments', process_({ args: [] })],
    ['a sysctl that is a path', linux({ sysctl: { '../../../tmp/x': '1' } })],
    ['a sysctl of the host', linux({ sysctl: { 'kernel.core_pattern': '|/bin/sh' } })],
    ['a namespace that is a file', linux({ namespaces: [{ type: 'pid', path: '/etc/passwd' }] })],
    [
      'a namespace that is a named pipe',
      linux({ namespaces: [{ type: 'mount' }, { type: 'network', path: '/proc/self/fd/0' }] }),
    ],
    ['an id that is too great', process_({ user: { uid: 2 ** 32, gid: 0 } })],
    ['a name of 1 MiB', mount(`/tmp/${'x'.repeat(MiB)}`)],
    ['a path of 4096 folders', mount(`/tmp${'/x'.repeat(4096)}`)],
    ['options of 1 MiB', mount('/tmp', { options: ['mode=700', 'x'.repeat(MiB)] })],
    ['a variable of 10 MiB', process_({ env: [`A=${'x'.repeat(10 * MiB)}`] })],
    ['a hook that is no path', (config) => ({ ...config, hooks: { createRuntime: [{ path: 'sh' }] } })],
    [
      'a hook that hangs',
      (config) => ({
        ...config,
        hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 60 & wait'], timeout: 1 }] },
      }),
    ],
    [
      'a hook in the container that hangs',
      (config) => ({
        ...config,
        hooks: { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 60 & wait'], timeout: 1 }] },
      }),
    ],
    ['a seccomp profile of unknown calls only', linux({ seccomp: { defaultAction: 'SCMP_ACT_NOSUCH' } })],
  ])('refuses %s, and leaves nothing', async (_, change) => {
    const bundle = arena.bundle(['true'], change)
    const made = arena.runtime
      .create('hostile', { bundle })
      .then((container) => container.delete({ force: true }))
    await expect(made).rejects.toMatchObject({ name: 'RuntimeError' })
    expect(left()).toEqual([])
  })

  it('refuses ids that are paths', async () => {
    const bundle = arena.bundle(['true'])
    for (const id of ['', '.', '..', '../x', 'a/b', '/x', 'a\0b', 'a\nb', 'x'.repeat(256), 'ä', ' ']) {
      await expect(arena.runtime.create(id, { bundle })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_INVALID_ARG',
      })
      expect(() => arena.runtime.container(id)).toThrow(
        expect.objectContaining({ code: 'ERR_RUNTIME_INVALID_ARG' }),
      )
    }
    expect(readdirSync(arena.path).filter((name) => !/^(bundle-|exec-|state$)/.test(name))).toEqual([])
  })

  it('stays below the root with destinations and folders that go up, and takes any other character', async () => {
    const { output } = await arena.run(
      ['/bin/sh', '-c', 'pwd; ls -d /tmp/up "/tmp/new\nline" "/tmp/sp ace" /tmp/\\*'],
      (config) =>
        [
          mount('/../../../../../tmp/up'),
          mount('/tmp/new\nline'),
          mount('/tmp/sp ace'),
          mount('/tmp/x/../*'),
          process_({ cwd: '/../../../tmp/../made/here' }),
        ].reduce((changed, change) => change(changed), config),
    )
    expect(output).toBe('/made/here\n/tmp/*\n/tmp/new?line\n/tmp/sp ace\n/tmp/up\n')
    for (const path of ['/tmp/up', '/tmp/sp ace', '/made', '/tmp/new\nline'])
      expect(existsSync(path)).toBe(false)
  })

  it('mounts 10 000 file systems or says why not, and leaves nothing', async () => {
    const many: Change = (config) => ({
      ...config,
      mounts: [
        ...(config.mounts ?? []),
        ...Array.from({ length: 10_000 }, (_, n) => ({
          destination: `/tmp/${n}`,
          type: 'bind',
          source: arena.path,
          options: ['bind'],
        })),
      ],
    })
    const outcome = await arena.run('wc -l </proc/self/mountinfo', many).catch((error: unknown) => error)
    if (outcome instanceof Error)
      expect(outcome).toMatchObject({
        name: 'RuntimeError',
        message: expect.stringMatching(/EMFILE|ENOSPC|too many|No space/i),
      })
    else expect(Number((outcome as { output: string }).output)).toBeGreaterThan(10_000)
    expect(left()).toEqual([])
  })

  it('uses a root that is a link, and the root of the host, without harm', async () => {
    const bundle = arena.bundle('ls / | grep -c work')
    renameSync(join(bundle, 'rootfs'), join(bundle, 'real'))
    symlinkSync('real', join(bundle, 'rootfs'))
    const linked = await arena.runtime.create('linked', { bundle, stdio: ['ignore', 'ignore', 'ignore'] })
    expect(linked.rootfs).toBe(join(bundle, 'real'))
    await linked.delete({ force: true })
    const host = arena.bundle(['true'], (config) => ({ ...config, root: { path: '/' }, mounts: [] }))
    const before = execFileSync('cat', ['/proc/self/mountinfo'], { encoding: 'utf8' })
    const container = await arena.runtime.create('host', { bundle: host }).catch((error: unknown) => {
      expect(error).toMatchObject({ name: 'RuntimeError' })
    })
    await container?.delete({ force: true })
    expect(execFileSync('cat', ['/proc/self/mountinfo'], { encoding: 'utf8' })).toBe(before)
    expect(left()).toEqual([])
  })
})
