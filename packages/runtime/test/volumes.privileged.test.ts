import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { packLayer } from '@ctr/overlay'
import { describeOn, leakCheck } from '@ctr/testing'
import type { Runtime, RunOptions } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

const withData = 'localhost/data:1'

describeOn(['root', 'overlay', 'bin:busybox'], 'volumes of Runtime.run()', () => {
  let opened: Awaited<ReturnType<typeof openRuntime>>
  let runtime: Runtime

  beforeAll(async () => {
    opened = await openRuntime()
    runtime = opened.runtime
    await addBusybox(runtime, {
      reference: withData,
      more: [
        { type: 'directory', path: 'srv/data', mode: 0o2770, uid: 1000, gid: 44 },
        { type: 'file', path: 'srv/data/from-image', content: 'image\n', uid: 1000 },
        { type: 'symlink', path: 'srv/link', target: '/etc' },
      ],
    })
  })
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
  })

  async function sh(script: string, options: Partial<RunOptions> = {}): Promise<string> {
    const told = { image: busybox, network: 'none', stdout: 'pipe', stderr: 'inherit' } as const
    await using container = await runtime.run({ ...told, command: ['sh', '-c', script], ...options })
    return await text(container.stdout!)
  }

  it('keeps a named volume from one container to the next', async () => {
    const volumes = [{ volume: 'kept', target: '/data' }]
    await sh('echo one > /data/file', { volumes })
    expect(
      await sh('cat /data/file; (echo x > /data/file) 2>&1', {
        volumes: [{ ...volumes[0]!, readOnly: true }],
      }),
    ).toMatch(/^one\n.*Read-only/)
    expect(runtime.volumes.get('kept')?.users()).toEqual([])
    await runtime.volumes.remove('kept')
  })

  it('keeps what a container uses, also one that has ended', async () => {
    const container = await runtime.run({
      image: busybox,
      network: 'none',
      detach: true,
      command: ['true'],
      volumes: [{ volume: 'used', target: '/data' }, { target: '/scratch' }],
    })
    await container.wait()
    const [anonymous] = container.inspect().volumes.filter((volume) => volume.anonymous)
    expect(anonymous).toMatchObject({
      name: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      target: '/scratch',
    })
    await expect(runtime.volumes.remove('used')).rejects.toMatchObject({ code: 'ERR_OVERLAY_IN_USE' })
    expect(await runtime.volumes.prune({ all: true })).toEqual([])
    await container.remove()
    // as Docker: without being asked, a detached container's stay
    expect(await runtime.volumes.prune()).toEqual([anonymous!.name])
    expect(await runtime.volumes.prune({ all: true })).toEqual(['used'])
  })

  it('removes anonymous volumes with containers that go by themselves', async () => {
    const before = runtime.volumes.list().length
    await sh('echo x > /a/file', { volumes: [{ target: '/a' }] })
    const container = await runtime.run({
      image: busybox,
      network: 'none',
      detach: true,
      autoRemove: true,
      command: ['true'],
      volumes: [{ target: '/a' }],
    })
    await container.wait()
    const other = await runtime.run({
      image: busybox,
      network: 'none',
      detach: true,
      command: ['true'],
      volumes: [{ target: '/a' }],
    })
    await other.remove({ force: true, volumes: true })
    const failing = runtime.run({
      image: busybox,
      network: 'none',
      command: ['nosuch'],
      volumes: [{ target: '/a' }],
    })
    await expect(failing).rejects.toMatchObject({ code: 'ERR_RUNTIME_COMMAND_NOT_FOUND' })
    expect(runtime.volumes.list()).toHaveLength(before)
  })

  it('fills an empty volume with what the image has there, and no other', async () => {
    const volumes = [{ volume: 'filled', target: '/srv/data' }]
    const look = 'cat /srv/data/from-image; stat -c "%a %u:%g" /srv/data'
    expect(await sh(look, { image: withData, volumes })).toBe('image\n2770 1000:44\n')
    const { path } = runtime.volumes.get('filled')!
    writeFileSync(join(path, 'from-image'), 'changed\n')
    chmodSync(path, 0o755)
    expect(await sh(look, { image: withData, volumes })).toBe('changed\n755 1000:44\n')
    const uncopied = [{ volume: 'uncopied', target: '/srv/data', copy: false }]
    expect(
      await sh('ls /srv/data; stat -c "%a %u:%g" /srv/data', { image: withData, volumes: uncopied }),
    ).toBe('755 0:0\n')
    // a link of the image leads to the image's own folder
    expect(
      await sh('cat /etc/motd', { image: withData, volumes: [{ volume: 'linked', target: '/srv/link' }] }),
    ).toBe('second\n')
    expect(readFileSync(join(runtime.volumes.get('linked')!.path, 'motd'), 'utf8')).toBe('second\n')
    expect(await runtime.volumes.prune({ all: true })).toEqual(['filled', 'linked', 'uncopied'])
  })

  it('mounts a folder before what is mounted in it, and what the image declares', async () => {
    await runtime.images.add(
      {
        config: { config: { Cmd: ['sh'], Volumes: ['/declared', '/data/inner/', '/'] } },
        layers: (await runtime.images.get(busybox)).layers.map(({ diffId }) => ({
          tar: packLayer([{ type: 'file', path: `of-${diffId.slice(7, 19)}`, content: '' }], {
            compression: 'none',
          }).stream,
        })),
      },
      { reference: 'localhost/declares:1' },
    )
    const explained = await runtime.explain({
      image: 'localhost/declares:1',
      volumes: [
        { volume: 'inner', target: '/data/inner' },
        { volume: 'outer', target: '/data' },
      ],
    })
    const opens = [...explained.matchAll(/open_tree\(AT_FDCWD, "[^"]*\/volumes\/([^/]+)\/data"/g)].map(
      ([, name]) => name,
    )
    expect(opens).toEqual(['outer', 'ANONYMOUS', 'inner'])
    expect(existsSync(join(runtime.volumes.folder, 'outer'))).toBe(false)
    const nested = [
      { volume: 'inner', target: '/data/inner' },
      { volume: 'outer', target: '/data' },
    ]
    await sh('echo i > /data/inner/i; echo o > /data/o', { volumes: nested })
    expect(readdirSync(runtime.volumes.get('inner')!.path)).toEqual(['i'])
    expect(readdirSync(runtime.volumes.get('outer')!.path)).toEqual(['inner', 'o'])
    await runtime.volumes.prune({ all: true })
  })

  it('lets nobody but containers into volumes', () => {
    expect(lstatSync(runtime.volumes.folder).mode & 0o7777).toBe(0o700)
  })
})
