import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { mount, umount2 } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore, packLayer } from '../src/index.js'
import { tarOf } from './tar-builder.js'

leakCheck()

const layerOf = (name: string): Buffer =>
  tarOf({ name: `${name}/`, type: '5' }, { name: `${name}/file`, content: name })
const diffIdOf = (tar: Buffer): string => `sha256:${createHash('sha256').update(tar).digest('hex')}`

async function openIn(
  folder: { readonly path: string },
  durable: boolean | 'later' = false,
): Promise<LayerStore> {
  return LayerStore.open(join(folder.path, 'store'), { durable })
}

describeOn(['root', 'overlay'], 'LayerStore', () => {
  it('adds, finds, lists and removes layers', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder, true)
    const { stream, digests } = packLayer([{ type: 'file', path: 'a', content: 'a' }])
    const layer = await store.add(stream)
    expect(layer.diffId).toBe((await digests).diffId)
    expect(layer).toMatchObject({ entries: 1, size: 2048, opaqueRoot: false })
    expect(store.get(layer.diffId)).toEqual(layer)
    const other = await store.add(Readable.from([layerOf('b')]), { diffId: diffIdOf(layerOf('b')) })
    expect((await store.list()).map(({ diffId }) => diffId)).toEqual([layer.diffId, other.diffId].sort())
    // another instance, as another process would have it
    expect((await openIn(folder)).get(other.diffId)).toEqual(other)
    await store.remove(layer.diffId)
    await store.remove(layer.diffId)
    expect(store.get(layer.diffId)).toBeUndefined()
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
  })

  it('takes away what another boot has not brought to the disk, and nothing else', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'store')
    const store = await LayerStore.open(path, { durable: 'later' })
    const lost = await store.add(Readable.from([layerOf('lost')]))
    const kept = await store.add(Readable.from([layerOf('kept')]))
    const notes = join(path, 'unsynced')
    const noteOf = (diffId: string): string =>
      readdirSync(notes).find((name) => name.endsWith(diffId.slice('sha256:'.length)))!
    expect(readdirSync(notes)).toHaveLength(2)
    // as if the machine had started anew, and had lost half of what the layer's description says
    renameSync(join(notes, noteOf(lost.diffId)), join(notes, `0-0~${lost.diffId.slice(7)}`))
    truncateSync(join(lost.path, '..', 'layer.json'), 3)
    const [again, beside] = await Promise.all([openIn(folder, 'later'), openIn(folder, 'later')])
    for (const opened of [again, beside]) {
      expect(opened.get(lost.diffId)).toBeUndefined()
      expect(opened.get(kept.diffId)).toEqual(kept)
    }
    expect(readdirSync(notes)).toEqual([noteOf(kept.diffId)])
    expect((await again.add(Readable.from([layerOf('lost')]))).diffId).toBe(lost.diffId)
    // notes of this boot go once the disk has the layers
    const hourAgo = new Date(Date.now() - 3_600_000)
    for (const name of readdirSync(notes)) utimesSync(join(notes, name), hourAgo, hourAgo)
    const settled = await openIn(folder, 'later')
    while (readdirSync(notes).length > 0) await sleep(10)
    expect((await settled.list()).map(({ diffId }) => diffId)).toEqual([lost.diffId, kept.diffId].sort())
  })

  it('does not read a layer that is there already', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const layer = await store.add(Readable.from([layerOf('a')]))
    const source = Readable.from([layerOf('a')])
    expect(await store.add(source, { diffId: layer.diffId })).toEqual(layer)
    expect(source.destroyed).toBe(true)
  })

  it('refuses content that is not what was asked for, and keeps nothing of it', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const adding = store.add(Readable.from([layerOf('a')]), { diffId: diffIdOf(layerOf('b')) })
    await expect(adding).rejects.toMatchObject({ code: 'ERR_OVERLAY_DIGEST' })
    const cut = store.add(Readable.from([layerOf('a').subarray(0, 1100)]))
    await expect(cut).rejects.toMatchObject({ code: 'ERR_OVERLAY_ARCHIVE' })
    const bad = store.add(Readable.from([layerOf('a')]), { diffId: 'sha256:../../../etc' })
    await expect(bad).rejects.toMatchObject({ code: 'ERR_OVERLAY_INVALID_ARG' })
    expect(await store.list()).toEqual([])
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
  })

  it('ends when aborted in the middle of a file, and keeps nothing of it', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const controller = new AbortController()
    const tar = tarOf({ name: 'big', content: Buffer.alloc(3_000_000) })
    const source = new Readable({ read: () => undefined })
    source.push(tar.subarray(0, 1_000_000))
    setTimeout(() => controller.abort(), 50)
    await expect(store.add(source, { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
    expect(await store.list()).toEqual([])
  })

  it('passes on what the source throws, and keeps nothing', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const failing = store.add(
      (async function* () {
        yield await Promise.resolve(layerOf('a'))
        throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' })
      })(),
    )
    await expect(failing).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
  })

  it('lets the same layer be added many times at once', async () => {
    using folder = temporaryFolder()
    const stores = await Promise.all([openIn(folder), openIn(folder), openIn(folder)])
    const adding = [...stores, ...stores].map((store) => store.add(Readable.from([layerOf('a')])))
    const layers = await Promise.all(adding)
    expect(new Set(layers.map(({ path }) => path)).size).toBe(1)
    expect(readFileSync(join(layers[0]!.path, 'a/file'), 'utf8')).toBe('a')
    expect(await stores[0].list()).toHaveLength(1)
    expect(readdirSync(join(stores[0].folder, 'temporary'))).toEqual([])
  })

  it('removes half made layers of the dead, and leaves those of the living', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const temporary = join(store.folder, 'temporary')
    mkdirSync(join(temporary, 'dead/layer/diff'), { recursive: true })
    writeFileSync(join(temporary, 'dead.lock'), '')
    mkdirSync(join(temporary, 'without-a-lock'))
    writeFileSync(join(temporary, 'without-a-folder.lock'), '')
    const source = new Readable({ read: () => undefined })
    const tar = tarOf({ name: 'a', content: 'x'.repeat(2000) })
    source.push(tar.subarray(0, 1000))
    const adding = (await openIn(folder)).add(source)
    expect(await store.cleanup()).toEqual({ abandoned: 3, roots: [] })
    expect(readdirSync(temporary)).toHaveLength(2)
    source.push(tar.subarray(1000))
    source.push(null)
    expect((await adding).entries).toBe(1)
    expect(readdirSync(temporary)).toEqual([])
  })

  it('says when a file of the store is damaged', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const layer = await store.add(Readable.from([layerOf('a')]))
    truncateSync(join(dirname(layer.path), 'layer.json'))
    const again = await openIn(folder)
    expect(() => again.get(layer.diffId)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_DAMAGED' }))
  })

  it('says that the disk is full, and keeps nothing', async () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, 'small'))
    mount('tmpfs', join(folder.path, 'small'), 'tmpfs', 0, 'size=1m')
    try {
      const store = await LayerStore.open(join(folder.path, 'small'))
      const adding = store.add(Readable.from([tarOf({ name: 'big', content: Buffer.alloc(2 ** 21) })]))
      await expect(adding).rejects.toMatchObject({ code: 'ERR_OVERLAY_IO', cause: { code: 'ENOSPC' } })
      expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
    } finally {
      umount2(join(folder.path, 'small'))
    }
  })

  it('says when the folder cannot be made', async () => {
    await expect(LayerStore.open('/proc/nowhere')).rejects.toMatchObject({ path: '/proc/nowhere' })
  })
})

describeOn(['root', 'overlay'], 'LayerStore in several processes', () => {
  const entries = Array.from({ length: 3000 }, (_, index) => ({
    name: `d${index % 50}/f${index}`,
    content: `${index}`,
  }))
  const tar = tarOf(...entries)

  it('adds the same layer in two processes at once', async () => {
    using folder = temporaryFolder()
    const script = await bundledScript(folder.path)
    const adding = [0, 1].map(() => start(script, join(folder.path, 'store')))
    for (const { stdin } of adding) stdin.write(tar.subarray(0, 500_000))
    for (const { stdin } of adding) stdin.end(tar.subarray(500_000))
    const said = await Promise.all(adding.map(({ stdout }) => text(stdout)))
    expect(said).toEqual([diffIdOf(tar), diffIdOf(tar)])
    const store = await openIn(folder)
    expect(readdirSync(store.get(diffIdOf(tar))!.path)).toHaveLength(50)
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
  })

  it('unpacks once what another process unpacks already', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const diffId = diffIdOf(tar)
    const child = start(await bundledScript(folder.path), store.folder, diffId)
    child.stdin.write(tar.subarray(0, 500_000))
    while (readdirSync(join(store.folder, 'temporary')).length < 2) await sleep(10)
    const unwanted = Readable.from([tar])
    const waiting = store.add(unwanted, { diffId })
    child.stdin.end(tar.subarray(500_000))
    expect(await text(child.stdout)).toBe(diffId)
    expect(await waiting).toEqual(store.get(diffId))
    expect([unwanted.destroyed, unwanted.readableDidRead]).toEqual([true, false])
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
  })

  it('begins anew when the process that it waits for is killed, and stops waiting when it is told', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const diffId = diffIdOf(tar)
    const child = start(await bundledScript(folder.path), store.folder, diffId)
    child.stdin.write(tar.subarray(0, 500_000))
    while (readdirSync(join(store.folder, 'temporary')).length < 2) await sleep(10)
    const stop = new AbortController()
    const stopped = store.add(Readable.from([tar]), { diffId, signal: stop.signal })
    const waiting = store.add(Readable.from([tar]), { diffId })
    stop.abort()
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
    expect(readdirSync((await waiting).path)).toHaveLength(50)
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
  })

  it('does not wait for one that lives but gives no sign', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const diffId = diffIdOf(tar)
    const child = start(await bundledScript(folder.path), store.folder, diffId)
    child.stdin.write(tar.subarray(0, 500_000))
    const temporary = join(store.folder, 'temporary')
    while (readdirSync(temporary).length < 2) await sleep(10)
    utimesSync(join(temporary, `${diffId.slice(7)}.lock`), 0, 0)
    expect((await store.add(Readable.from([tar]), { diffId })).diffId).toBe(diffId)
    child.stdin.end(tar.subarray(500_000))
    expect(await text(child.stdout)).toBe(diffId)
    expect(readdirSync(temporary)).toEqual([])
  })

  it('leaves no partial layer of a process that is killed, and cleans up after it', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const temporary = join(store.folder, 'temporary')
    const child = start(await bundledScript(folder.path), store.folder)
    child.stdin.write(tar.subarray(0, 500_000))
    while (readdirSync(temporary).length < 2) await sleep(10)
    expect(await store.cleanup()).toEqual({ abandoned: 0, roots: [] })
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(readdirSync(temporary)).toHaveLength(2)
    expect(await store.list()).toEqual([])
    expect(await store.cleanup()).toEqual({ abandoned: 1, roots: [] })
    expect(readdirSync(temporary)).toEqual([])
    expect((await store.add(Readable.from([tar]))).diffId).toBe(diffIdOf(tar))
  })
})

type Child = ChildProcessByStdio<Writable, Readable, null>

/** A process that adds what it reads to a store, as what it is told if anything, and prints the diffID. */
function start(script: string, store: string, diffId = ''): Child {
  const child = spawn(process.execPath, [script, store, diffId], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined) // it may be killed before it has read everything
  return child
}

/** Bundles the package with a few lines that use it: plain Node.js does not run its TypeScript. */
async function bundledScript(folder: string): Promise<string> {
  const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url))
  symlinkSync(packages, join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'add.ts'),
    `import { LayerStore } from '@ctr/overlay'
     const store = await LayerStore.open(process.argv[2]!, { durable: false })
     const layer = await store.add(process.stdin, { diffId: process.argv[3] || undefined })
     process.stdout.write(layer.diffId)`,
  )
  writeFileSync(
    join(folder, 'tsup.config.mjs'),
    `export default {
       entry: ['add.ts'], outDir: 'out', format: 'esm', target: 'node20', outExtension: () => ({ js: '.mjs' }),
       noExternal: [/^@ctr\\//], external: ['koffi', 'tar-stream'],
       esbuildOptions: (options) => { options.conditions = ['@ctr/source'] },
     }`,
  )
  // a process of its own, so that esbuild's service ends with it
  const tsup = join(packages, 'tsup/dist/cli-default.js')
  await promisify(execFile)(process.execPath, [tsup, '--silent'], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  return join(folder, 'out/add.mjs')
}

describeOn(['root', 'overlay'], 'packLayer() into LayerStore.add()', () => {
  it('comes back byte for byte', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const { stream, digests } = packLayer([{ type: 'file', path: 'bin/node', source: process.execPath }])
    const [bytes, expected] = await Promise.all([buffer(stream), digests])
    const layer = await store.add(Readable.from([bytes]), { diffId: expected.diffId })
    expect(readFileSync(join(layer.path, 'bin/node')).equals(readFileSync(process.execPath))).toBe(true)
  })
})
