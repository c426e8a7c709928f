import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { isRuntimeError } from '../../errors.js'
import type { ContainerState } from './container-state.js'
import { StateStore } from './state-store.js'

const state = (id: string): ContainerState => ({
  id,
  ociVersion: '1.2.0',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-11-23T10:00:00.000Z',
  pid: null,
  startTicks: null,
  bootId: 'x',
  annotations: {},
  cgroupManager: 'disabled',
  cgroupPaths: {},
  intelRdtPath: '',
  externalDescriptors: [],
  terminal: false,
  rootless: true,
})

const code = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return isRuntimeError(error) ? error.code : String(error)
}

describe('StateStore', () => {
  it('keeps a record and a config until they are removed', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(join(folder.path, 'new', 'root'))
    expect(store.list()).toEqual([])
    using container = await store.create('box', '{"ociVersion":"1.2.0"}')
    expect(statSync(container.folder).mode & 0o777).toBe(0o700)
    expect(() => store.load('box')).toThrow('container "box" does not exist')
    container.save(state('box'))
    expect(store.load('box')).toEqual(state('box'))
    expect(store.loadConfig('box')).toBe('{"ociVersion":"1.2.0"}')
    container.saveConfig('{}')
    expect(store.loadConfig('box')).toBe('{}')
    expect(readdirSync(container.folder).sort()).toEqual(['config.json', 'state.json'])
    container.remove()
    expect(readdirSync(store.root)).toEqual([])
  })

  it('refuses ids that are taken, are none, or are unknown', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    using _ = await store.create('box', '{}')
    await expect(store.create('box', '{}')).rejects.toThrow('container with given ID already exists')
    expect(await code(store.create('box', '{}'))).toBe('ERR_RUNTIME_NAME_TAKEN')
    expect(await code(store.create('../box', '{}'))).toBe('ERR_RUNTIME_INVALID_ARG')
    expect(() => store.load('..')).toThrow('invalid container ID format')
    expect(await code(store.lock('other'))).toBe('ERR_RUNTIME_CONTAINER_NOT_FOUND')
    expect(() => store.isBusy('other')).toThrow('container "other" does not exist')
    expect(readdirSync(folder.path)).toEqual(['box'])
  })

  it('does not go where a link leads', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(join(folder.path, 'root'))
    mkdirSync(join(folder.path, 'root'))
    mkdirSync(join(folder.path, 'elsewhere'))
    symlinkSync('../elsewhere', join(store.root, 'box'))
    expect(await code(store.create('box', '{}'))).toBe('ERR_RUNTIME_NAME_TAKEN')
    expect(await code(store.lock('box'))).toBe('ERR_RUNTIME_CONTAINER_NOT_FOUND')
    expect(readdirSync(join(folder.path, 'elsewhere'))).toEqual([])
  })

  it('lists what can be read beside what is damaged or half made', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    for (const id of ['whole', 'damaged', 'empty']) {
      using container = await store.create(id, '{}')
      container.save(state(id))
    }
    writeFileSync(join(folder.path, 'damaged', 'state.json'), '{"id":')
    writeFileSync(join(folder.path, 'empty', 'state.json'), '')
    mkdirSync(join(folder.path, 'half-made'))
    writeFileSync(join(folder.path, 'a-file'), '')
    mkdirSync(join(folder.path, 'no id'))
    const list = store.list()
    expect(list.map(({ id, uid }) => [id, uid])).toEqual(
      ['damaged', 'empty', 'half-made', 'whole'].map((id) => [id, process.getuid!()]),
    )
    expect(list.map(({ state }) => (isRuntimeError(state) ? state.code : state.id))).toEqual([
      'ERR_RUNTIME_STATE',
      'ERR_RUNTIME_STATE',
      'ERR_RUNTIME_CONTAINER_NOT_FOUND',
      'whole',
    ])
    for (const { id } of list) {
      using container = await store.lock(id)
      container.remove()
    }
    expect(store.list()).toEqual([])
  })

  it('lets one at a time work on a container', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    {
      using _ = await store.create('box', '{}')
    }
    expect(store.isBusy('box')).toBe(false)
    const order: string[] = []
    const work = async (name: string): Promise<void> => {
      using _ = await store.lock('box')
      expect(store.isBusy('box')).toBe(true)
      order.push(`${name} begins`)
      await sleep(5)
      order.push(`${name} ends`)
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(work))
    expect(order).toHaveLength(8)
    for (let n = 0; n < 8; n += 2) expect(order[n + 1]).toBe(order[n]!.replace('begins', 'ends'))
  })

  it('waits no longer than it was told', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    using _ = await store.create('box', '{}')
    const begin = performance.now()
    await expect(store.lock('box', { timeoutMs: 50 })).rejects.toThrow(
      'cannot lock container "box": another command has been working on it for 0.05 s',
    )
    expect(await code(store.lock('box', { timeoutMs: 0 }))).toBe('ERR_RUNTIME_BUSY')
    expect(performance.now() - begin).toBeLessThan(2000)
  })

  it('tells those who wait that the container is gone', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    const container = await store.create('box', '{}')
    const waiting = [store.lock('box'), store.lock('box')].map(code)
    await sleep(5)
    container.remove()
    container[Symbol.dispose]()
    expect(await Promise.all(waiting)).toEqual([
      'ERR_RUNTIME_CONTAINER_NOT_FOUND',
      'ERR_RUNTIME_CONTAINER_NOT_FOUND',
    ])
  })

  it('keeps the lock from children', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    using container = await store.create('box', '{}')
    const open = execFileSync('sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' })
    expect(open).not.toContain(container.folder)
  })

  it('removes again what was half removed', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    {
      using container = await store.create('box', '{}')
      container.save(state('box'))
      rmSync(join(container.folder, 'config.json'))
      mkdirSync(join(container.folder, 'work', 'deep'), { recursive: true })
    }
    using container = await store.lock('box')
    expect(store.load('box').id).toBe('box')
    container.remove()
    expect(store.list()).toEqual([])
  })
})
