import { closeSync, openSync } from 'node:fs'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Runtime, type Container } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

describeOn(['root', 'overlay', 'bin:busybox'], 'Runtime.create() and Runtime.start()', () => {
  let opened: Awaited<ReturnType<typeof openRuntime>>
  let runtime: Runtime

  beforeAll(async () => {
    opened = await openRuntime()
    runtime = opened.runtime
    await addBusybox(runtime)
  })
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
  })

  async function create(script: string, name?: string): Promise<Container> {
    return await runtime.create({
      image: busybox,
      name,
      network: 'none',
      command: ['sh', '-c', script],
      volumes: [{ target: '/data' }],
    })
  }

  async function printed(container: Container): Promise<string> {
    let text = ''
    for await (const { bytes } of container.logs()) text += bytes.toString()
    return text
  }

  it('keeps root and volumes from one start to the next', async () => {
    const { id } = await create('echo x >> /file; echo y >> /data/file; cat /file /data/file; exit 3')
    expect(runtime.container(id).inspect()).toMatchObject({ status: 'created', pid: null, exit: null })
    expect(await (await runtime.start(id)).wait()).toMatchObject({ exitCode: 3 })
    const again = await runtime.start(id)
    await again.wait()
    expect(await printed(again)).toBe('x\ny\nx\nx\ny\ny\n')
    const { volumes } = again.inspect()
    expect(volumes).toMatchObject([{ target: '/data', anonymous: true }])
    await again.remove({ volumes: true })
    expect(runtime.volumes.get(volumes[0]!.name)).toBeUndefined()
  })

  it('is started again and removed as soon as its program has ended, before all was given back', async () => {
    const { id } = await create('exit 3')
    for (let n = 0; n < 5; n++) {
      const run = await runtime.start(id)
      expect(await run.exited()).toMatchObject({ exitCode: 3 })
      expect(run.inspect()).toMatchObject({ status: 'exited', exit: { exitCode: 3 } })
      expect(run.pid).toBeNull()
    }
    const last = await runtime.start(id)
    await last.exited()
    await last.remove({ volumes: true })
    expect(await last.wait()).toMatchObject({ exitCode: 3 })
    expect(() => runtime.container(id)).toThrow('there is none')
    const created = await create('true')
    await expect(created.exited()).rejects.toMatchObject({ code: 'ERR_RUNTIME_NOT_RUNNING' })
    await created.remove({ volumes: true })
  })

  it('starts again what was run detached, and reads its logs from a place on', async () => {
    const signal = new AbortController().signal
    const first = await runtime.run({
      image: busybox,
      network: 'none',
      command: ['sh', '-c', 'echo x >> /file; echo y >> /data/file; cat /file /data/file; echo e >&2'],
      volumes: [{ target: '/data' }],
      detach: true,
      signal,
    })
    await first.wait()
    const after = first.logPosition()
    expect(after).toEqual({ stdout: 4, stderr: 2 })
    await using other = await Runtime.open({ root: runtime.root, state: runtime.state })
    const again = await other.start(first.id)
    await again.wait()
    const entries: Record<string, string> = {}
    for await (const { stream, bytes } of again.logs({ follow: true, after }))
      entries[stream] = (entries[stream] ?? '') + bytes.toString()
    expect(entries).toEqual({ stdout: 'x\nx\ny\ny\n', stderr: 'e\n' })
    const [volume] = again.inspect().volumes
    await again.remove({ volumes: true })
    expect(volume).toMatchObject({ target: '/data', anonymous: true })
    expect(runtime.volumes.get(volume!.name)).toBeUndefined()
    const brief = await runtime.run({ image: busybox, network: 'none', command: ['true'], stdout: 'ignore' })
    await brief.wait()
    await expect(runtime.start(brief.id)).rejects.toThrow('it was neither created nor run detached')
    await brief.remove()
  })

  it('outlives the runtime, which finds it as it was', async () => {
    const other = await Runtime.open({ root: runtime.root, state: runtime.state })
    const command = ['sleep', '100']
    const { id } = await other.create({ image: busybox, name: 'stays', network: 'none', command })
    await other.close()
    expect(runtime.container('stays').inspect().status).toBe('created')
    const running = await runtime.start(id)
    await expect(runtime.start(id)).rejects.toMatchObject({ code: 'ERR_RUNTIME_RUNNING' })
    expect(running.inspect()).toMatchObject({ id, status: 'running', detached: true })
    running.kill()
    expect(await running.wait()).toMatchObject({ signal: 9 })
    await running.remove({ volumes: true })
  })

  it('leaves a container as it was when it cannot be started', async () => {
    const made = await runtime.create({ image: busybox, network: 'none', command: ['/no/such'] })
    await expect(runtime.start(made.id)).rejects.toMatchObject({ code: 'ERR_RUNTIME_COMMAND_NOT_FOUND' })
    expect(runtime.container(made.id).inspect()).toMatchObject({ status: 'created', exit: null })
    await expect(made.wait()).rejects.toMatchObject({ code: 'ERR_RUNTIME_NOT_RUNNING' })
    await made.remove()
    expect(runtime.containers()).toEqual([])
  })

  it('starts it on descriptors and on a terminal', async () => {
    const made = await create('cat; echo done >&2')
    const input = openSync('/etc/hostname', 'r')
    const running = await runtime.start(made.id, { stdin: input, stdout: 'ignore' })
    closeSync(input)
    await running.wait()
    expect(await printed(running)).toBe('done\n')
    await running.remove({ volumes: true })

    const { id } = await runtime.create({ image: busybox, network: 'none', command: ['tty'], terminal: true })
    const onTerminal = await runtime.start(id)
    const [chunk] = (await once(onTerminal.terminal!, 'data')) as [Buffer]
    expect(chunk.toString()).toBe('/dev/pts/0\r\n')
    await onTerminal.remove({ force: true })
  })

  it('renames it, unless another has the name', async () => {
    const one = await create('true', 'one')
    const two = await create('true', 'two')
    expect(() => two.rename('one')).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_NAME_TAKEN' }))
    expect(() => two.rename('a b')).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_INVALID_ARG' }))
    one.rename('three')
    two.rename('one')
    expect([runtime.container('three').id, runtime.container('one').id]).toEqual([one.id, two.id])
    for (const container of [one, two]) await container.remove({ volumes: true })
  })

  it('refuses an id that is none', async () => {
    await expect(runtime.create({ image: busybox, id: '../x' })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
    })
  })
})
