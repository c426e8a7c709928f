import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { packLayer } from '@ctr/overlay'
import { describeOn, leakCheck } from '@ctr/testing'
import { Runtime, type Container, type RunOptions } from '../src/index.js'
import { busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

let opened: Awaited<ReturnType<typeof openRuntime>>
let runtime: Runtime

/** Runs a script in a container to its end; the container stays. */
async function ended(script: string, options: Partial<RunOptions> = {}): Promise<Container> {
  const container = await runtime.run({
    image: busybox,
    network: 'none',
    command: ['sh', '-c', script],
    stdout: 'ignore',
    ...options,
  })
  expect(await container.wait()).toMatchObject({ exitCode: 0 })
  return container
}

async function output(image: string, options: Partial<RunOptions> = {}): Promise<string> {
  await using container = await runtime.run({ image, network: 'none', stdout: 'pipe', ...options })
  const printed = await text(container.stdout!)
  expect(await container.wait()).toMatchObject({ exitCode: 0 })
  return printed
}

const layersHere = async (): Promise<number> =>
  new Set((await runtime.images.list()).flatMap(({ layers }) => layers.map(({ diffId }) => diffId))).size

describeOn(['root', 'overlay', 'bin:busybox'], 'images of containers', () => {
  beforeAll(async () => {
    opened = await openRuntime()
    runtime = opened.runtime
  })
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
  })

  it('has what the container has written, and runs what it ran', async () => {
    await using container = await ended('echo new >/etc/new; rm /etc/motd; chown app:app /tmp', {
      env: { MADE: 'here' },
      labels: { own: 'yes' },
      cwd: '/etc',
    })
    const image = await container.commit({ reference: 'made:1', author: 'A', message: 'why' })
    expect(image.references).toEqual(['docker.io/library/made:1'])
    expect(image.config).toMatchObject({
      author: 'A',
      config: {
        Cmd: ['sh', '-c', 'echo new >/etc/new; rm /etc/motd; chown app:app /tmp'],
        WorkingDir: '/etc',
        Labels: { kind: 'test', own: 'yes' },
      },
    })
    expect(image.config.config.Env).toEqual(['PATH=/usr/local/bin:/bin', 'FROM_IMAGE=yes', 'MADE=here'])
    expect(image.config.history.at(-1)).toMatchObject({ author: 'A', comment: 'why' })
    const script = 'cat new; ls motd 2>&1; stat -c %u /tmp; echo $MADE'
    expect(await output('made:1', { command: ['sh', '-c', script] })).toBe(
      'new\nls: motd: No such file or directory\n1000\nhere\n',
    )
  })

  it('applies changes to it, and shares the layers below', async () => {
    await using container = await ended('true')
    const base = await runtime.images.get(busybox)
    const image = await container.commit({
      changes: ['CMD ["echo", "changed"]', 'ENV PATH=/none:$PATH', 'EXPOSE 80'],
    })
    expect(image.layers.slice(0, 2).map(({ descriptor }) => descriptor)).toEqual(
      base.layers.map(({ descriptor }) => descriptor),
    )
    expect(image.config.config).toMatchObject({ ExposedPorts: ['80/tcp'] })
    expect(await output(image.id)).toBe('changed\n')
  })

  it('takes a running container at one instant, and lets it go on', async () => {
    await using container = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sh', '-c', 'echo 1 >/n; sleep 1000'],
    })
    const image = await container.commit()
    expect(container.isPaused).toBe(false)
    expect(await (await container.exec(['true'])).wait()).toMatchObject({ exitCode: 0 })
    await container.pause()
    await container.commit()
    expect(container.isPaused).toBe(true) // as it was before
    expect(image.layers).toHaveLength(3)
  })

  it('commits zeros, which a small download may not hold', async () => {
    await using container = await ended('dd if=/dev/zero of=/zeros bs=1M count=100 2>/dev/null')
    const image = await container.commit()
    expect(await output(image.id, { command: ['stat', '-c', '%s', '/zeros'] })).toBe('104857600\n')
  })

  it('has the ids that a container in a user namespace knows', async () => {
    await using container = await ended('touch /etc/mine; touch /etc/app; chown app:app /etc/app', {
      userNamespace: 'auto',
    })
    const image = await container.commit()
    expect(await output(image.id, { command: ['stat', '-c', '%u', '/etc/mine', '/etc/app', '/'] })).toBe(
      '0\n1000\n0\n',
    )
    await expect(container.export()).rejects.toMatchObject({ code: 'ERR_RUNTIME_UNSUPPORTED' })
  })

  it('leaves nothing of a commit that fails', async () => {
    await using container = await ended('echo x >/x')
    const [images, layers] = [(await runtime.images.list()).length, await layersHere()]
    await expect(container.commit({ changes: ['RUN make'] })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
    await expect(container.commit({ reference: 'NO CAPITALS' })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_INVALID_REFERENCE',
    })
    await expect(container.commit({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    expect([(await runtime.images.list()).length, await layersHere()]).toEqual([images, layers])
  })

  it('exports all files, and imports them as another image', async () => {
    await using container = await ended('echo kept >/kept; rm /etc/motd')
    const tar = await buffer(await container.export())
    for (const archive of [tar, gzipSync(tar)]) {
      const image = await runtime.images.import(Readable.from([archive]), {
        reference: 'imported:1',
        changes: ['CMD ["cat", "/kept"]', 'ENV PATH=/bin'],
        message: 'from a test',
      })
      expect(image.layers).toHaveLength(1)
      expect(await output('imported:1')).toBe('kept\n')
      expect(image.config.history).toMatchObject([{ comment: 'from a test' }])
    }
  })

  it('imports from the web, and says why it cannot', async () => {
    const layer = packLayer([{ type: 'file', path: 'a', content: 'b' }], { compression: 'none' })
    const bytes = await buffer(layer.stream)
    const seen: (string | undefined)[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.statusCode = request.url === '/image.tar' ? 200 : 404
      response.end(bytes)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const image = await runtime.images.import(`${address}/image.tar`)
      expect(image.layers[0]!.diffId).toBe((await layer.digests).diffId)
      await expect(
        runtime.images.import(`${address.replace('//', '//u:secret@')}/other`),
      ).rejects.toMatchObject({
        code: 'ERR_RUNTIME_DOWNLOAD',
        message: expect.not.stringContaining('secret') as unknown,
      })
      expect(seen).toEqual([undefined, `Basic ${Buffer.from('u:secret').toString('base64')}`])
    } finally {
      server.closeAllConnections()
      server.close()
    }
    await expect(runtime.images.import('file:///etc/passwd')).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
    await expect(runtime.images.import(`${address}/image.tar`)).rejects.toMatchObject({
      code: 'ERR_RUNTIME_DOWNLOAD',
    })
  })

  it('makes no image of an archive that is none', async () => {
    const before = (await runtime.images.list()).length
    const layer = packLayer([{ type: 'file', path: 'a', content: 'b'.repeat(5000) }], { compression: 'none' })
    const whole = await buffer(layer.stream)
    for (const bytes of [Buffer.alloc(20_000, 1), whole.subarray(0, 2000), gzipSync(whole).subarray(0, 60)]) {
      await expect(
        runtime.images.import(Readable.from([bytes]), { reference: 'rubbish:1' }),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(ERR_OVERLAY|ERR_REGISTRY|Z_)/) as unknown })
    }
    expect((await runtime.images.list()).length).toBe(before)
  })
})
