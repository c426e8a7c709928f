import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { listCgroups } from '@ctr/cgroups'
import { packLayer } from '@ctr/overlay'
import { RegistryServer } from '@ctr/registry'
import { bundleFile, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { Runtime } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'

leakCheck()

const times = 50
const starts = 20
const here = fileURLToPath(new URL('.', import.meta.url))
let worker: ReturnType<typeof bundleFile>

/** Starts the worker, lets it work for a moment, and kills it. */
async function crash(
  mode: 'run' | 'start' | 'pull',
  folder: string,
  image: string,
  afterMs: number,
): Promise<void> {
  const child = spawn(process.execPath, [worker.path, mode, `${folder}/root`, `${folder}/state`, image], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), ended])
  await sleep(afterMs)
  child.kill('SIGKILL')
  expect((await ended)[1]).toBe('SIGKILL')
}

describeOn(['root', 'overlay', 'bin:busybox'], 'Runtime.open() after its owner was killed', () => {
  beforeAll(() => {
    worker = bundleFile(join(here, 'support', 'crash-worker.ts'))
  })
  afterAll(() => worker[Symbol.dispose]())

  it(`leaves nothing of ${times} runs, and detached containers go on`, async () => {
    using folder = temporaryFolder('ctr-crash-')
    const where = { root: `${folder.path}/root`, state: `${folder.path}/state` }
    {
      await using runtime = await Runtime.open(where)
      await addBusybox(runtime)
      await runtime.run({
        image: busybox,
        name: 'survivor',
        detach: true,
        command: ['sleep', '600'],
        publish: [{ container: 80 }],
      })
    }
    for (let n = 0; n < times; n++) await crash('run', folder.path, busybox, Math.random() * 60)
    await using runtime = await Runtime.open(where)
    try {
      expect(runtime.failedCleanUps).toEqual([])
      // those that had ended when their owner was killed stay until they are removed, the others are gone
      const ended = runtime.containers().filter((container) => container.inspect().status === 'exited')
      for (const container of ended) await container.remove()
      expect(runtime.containers().map(({ name }) => name)).toEqual(['survivor'])
      const survivor = runtime.container('survivor')
      expect(survivor.processes()).toHaveLength(1)
      expect(await (await survivor.exec(['true'])).wait()).toEqual({ exitCode: 0, signal: undefined })
      expect(readdirSync(`${where.root}/overlay/roots`)).toEqual([survivor.id])
      expect(readdirSync(`${where.state}/containers`)).toEqual([survivor.id])
      expect(readdirSync(`${where.state}/owners`)).toHaveLength(1)
      const cgroup = listCgroups('/')
        .flatMap((path) => listCgroups(path))
        .find((path) => path.endsWith(survivor.id))!
      expect(listCgroups(dirname(cgroup))).toEqual([cgroup])
    } finally {
      await runtime.reset()
    }
  }, 180_000)

  it(`leaves nothing of ${starts} starts of a container that stays, which can be started again`, async () => {
    using folder = temporaryFolder('ctr-crash-')
    const where = { root: `${folder.path}/root`, state: `${folder.path}/state` }
    {
      await using runtime = await Runtime.open(where)
      await addBusybox(runtime)
      await runtime.create({ image: busybox, name: 'kept', command: ['true'], publish: [{ container: 80 }] })
    }
    for (let n = 0; n < starts; n++) await crash('start', folder.path, busybox, Math.random() * 60)
    await using runtime = await Runtime.open(where)
    try {
      expect(runtime.failedCleanUps).toEqual([])
      const found = runtime.container('kept')
      if (found.inspect().status === 'running') await found.wait()
      expect(readdirSync(`${where.state}/containers`)).toEqual([])
      const started = await runtime.start('kept')
      expect(await started.wait()).toMatchObject({ exitCode: 0 })
    } finally {
      await runtime.reset()
    }
  }, 180_000)

  it(`loses nothing to ${times} broken pulls`, async () => {
    using folder = temporaryFolder('ctr-crash-')
    const where = { root: `${folder.path}/root`, state: `${folder.path}/state` }
    await using registry = await RegistryServer.start({ root: `${folder.path}/registry` })
    const image = `${registry.address}/crash/image:1`
    {
      await using maker = await Runtime.open({
        root: `${folder.path}/maker`,
        state: `${folder.path}/maker-state`,
      })
      const files = Array.from({ length: 40 }, (_, n) => ({
        type: 'file' as const,
        path: `data/${n}`,
        content: randomBytes(256 * 1024),
      }))
      const layers = [
        { tar: packLayer(files, { compression: 'none' }).stream },
        { tar: Readable.from(packLayer(files.slice(0, 5), { compression: 'none' }).stream) },
      ]
      await maker.images.add({ layers }, { reference: image })
      await maker.images.push(image)
    }
    for (let n = 0; n < times; n++) await crash('pull', folder.path, image, Math.random() * 120)
    await using runtime = await Runtime.open(where)
    try {
      const pulled = await runtime.images.pull(image)
      expect(pulled.layers).toHaveLength(2)
      expect(readdirSync(`${where.root}/overlay/layers/sha256`)).toHaveLength(2)
      expect(
        readdirSync(`${where.root}/overlay`)
          .filter((name) => name.includes('temp'))
          .flatMap((name) => readdirSync(join(where.root, 'overlay', name))),
      ).toEqual([])
      await runtime.images.remove(image)
      expect(readdirSync(`${where.root}/overlay/layers/sha256`)).toEqual([])
    } finally {
      await runtime.reset()
    }
  }, 180_000)
})
