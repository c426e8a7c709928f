import { release } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { packLayer } from '@ctr/overlay'
import { describeOn, leakCheck } from '@ctr/testing'
import { Runtime, type Container, type CreateContainerOptions } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

const [major = 0, minor = 0] = release().split('.').map(Number)
/** Older kernels mount no copies of what is mounted nowhere: there each container has a root of its own. */
const sharesRoots = major > 6 || (major === 6 && minor >= 15)

describeOn(['root', 'overlay', 'bin:busybox'], 'roots of containers that are created', () => {
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

  const create = (script: string, options: Partial<CreateContainerOptions> = {}): Promise<Container> =>
    runtime.create({ image: busybox, network: 'none', cwd: '/', command: ['sh', '-c', script], ...options })

  async function runAgain(made: Container): Promise<{ exitCode: number | null; text: string }> {
    const after = made.logPosition()
    const running = await runtime.start(made.id)
    const { exitCode } = await running.wait()
    let text = ''
    for await (const { bytes } of running.logs({ after })) text += bytes.toString()
    return { exitCode, text }
  }

  /** Its root, once it has run and is gone. */
  async function rootOf(script: string, options?: Partial<CreateContainerOptions>): Promise<string | null> {
    const made = await create(script, options)
    expect(await runAgain(made)).toMatchObject({ exitCode: 0 })
    const { rootId } = made.inspect()
    await runtime.container(made.id).remove()
    return rootId
  }

  it('are given to the next container when nothing was written to them', async () => {
    const first = await rootOf('true')
    expect((await rootOf('ls /')) === first).toBe(sharesRoots)
    // of one that is thrown away nothing is synced, so it can have none of those
    expect(await rootOf('true', { volatile: true })).not.toBe(first)
  })

  it('are given to nobody who could find anything of their container in them', async () => {
    for (const script of ['echo x > /file', 'mkdir /folder', 'rm /bin/true', 'chmod 700 /']) {
      const written = await rootOf(script)
      const next = await create('ls -ld / /file /folder /bin/true 2>&1')
      expect(next.inspect().rootId).not.toBe(written)
      const { text } = await runAgain(next)
      expect(text).toMatch(/^drwxr-xr-x.* \/$/m)
      expect(text).toMatch(/ \/bin\/true/)
      expect(text).toContain('/file: No such file')
      expect(text).toContain('/folder: No such file')
      await next.remove()
    }
  })

  it('are given to nobody after a program in them had all capabilities', async () => {
    const made = await create('sleep 100')
    const running = await runtime.start(made.id)
    const remount = await running.exec(['mount', '-o', 'remount,ro', '/'], { privileged: true })
    await remount.wait()
    await running.remove({ force: true })
    const next = await create('echo x > /file')
    expect(next.inspect().rootId).not.toBe(made.inspect().rootId)
    expect(await runAgain(next)).toMatchObject({ exitCode: 0 })
    await next.remove()
  })

  it('have what was written to them, however soon or late they are used again', async () => {
    for (const volatile of [false, true]) {
      const made = await create('echo x >> /file; cat /file', { volatile })
      expect(await runAgain(made)).toEqual({ exitCode: 0, text: 'x\n' })
      expect((await made.readFile('/file')).toString()).toBe('x\n')
      expect(await runAgain(made)).toEqual({ exitCode: 0, text: 'x\nx\n' })
      await sleep(400)
      expect((await made.readFile('/file')).toString()).toBe('x\nx\n')
      expect(await runAgain(made)).toEqual({ exitCode: 0, text: 'x\nx\nx\n' })
      await made.remove()
    }
  })

  it('have what another process has copied into them before they are started', async () => {
    await rootOf('true')
    const made = await create('cat /copied') // on a root that is mounted already
    await using other = await Runtime.open({ root: runtime.root, state: runtime.state })
    const { stream, digests } = packLayer([{ type: 'file', path: 'copied', content: 'there\n' }], {
      compression: 'none',
    })
    digests.catch(() => undefined)
    await other.container(made.id).files.copyIn(stream, '/')
    expect(await runAgain(made)).toEqual({ exitCode: 0, text: 'there\n' })
    await made.remove()
  })

  it('stay when the runtime closes, and are removed with their containers', async () => {
    const other = await Runtime.open({ root: runtime.root, state: runtime.state })
    const { id } = await other.create({
      ...{ image: busybox, network: 'none' },
      command: ['sh', '-c', 'echo x >> /file; cat /file'],
    })
    await (await other.start(id)).wait()
    await other.close()
    const found = runtime.container(id)
    expect(await runAgain(found)).toEqual({ exitCode: 0, text: 'x\nx\n' })
    await runtime.container(id).remove()
    await using last = await Runtime.open({ root: runtime.root, state: runtime.state })
    expect(last.containers()).toEqual([])
  })
})
