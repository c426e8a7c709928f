import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from '@jest/globals'
import { lsetxattr } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore, mountOverlay, MountedRoot, readFileIn } from '../src/index.js'
import { tarOf, type RawEntry } from './tar-builder.js'

leakCheck()

interface Place {
  readonly folder: string
  readonly store: LayerStore
  readonly at: string
}

async function place({ path }: { readonly path: string }): Promise<Place> {
  const at = join(path, 'mounted')
  mkdirSync(at)
  return { folder: path, at, store: await LayerStore.open(join(path, 'store'), { durable: false }) }
}

async function add(store: LayerStore, ...entries: readonly RawEntry[]): Promise<string> {
  return (await store.add(Readable.from([tarOf(...entries)]))).diffId
}

describeOn(['root', 'overlay'], 'LayerStore.createRoot()', () => {
  it.each([1, 3, 130])('mounts %i layers, the last one on top', async (count) => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const layers: string[] = []
    for (let index = 0; index < count; index++) {
      layers.push(await add(store, { name: `file-${index}` }, { name: 'same', content: String(index) }))
    }
    await using root = await store.createRoot('one', { layers })
    await using _mounted = root.attach(at)
    expect(readdirSync(at)).toHaveLength(count + 1)
    expect(readFileSync(join(at, 'same'), 'utf8')).toBe(String(count - 1))
  })

  it('hides what whiteouts and opaque folders hide, also at the root', async () => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const base = await add(
      store,
      { name: 'a/x' },
      { name: 'a/y' },
      { name: 'b/x' },
      { name: 'c' },
      { name: 'd/x' },
    )
    const middle = await add(
      store,
      { name: '.wh.c' },
      { name: 'a/.wh.x' },
      { name: 'b/.wh..wh..opq' },
      { name: 'b/new' },
    )
    const top = await add(store, { name: '.wh..wh..opq' }, { name: 'only' })
    {
      await using root = await store.createRoot('one', { layers: [base, middle] })
      await using _mounted = root.attach(at)
      expect(readdirSync(at).sort()).toEqual(['a', 'b', 'd'])
      expect(readdirSync(join(at, 'a'))).toEqual(['y'])
      expect(readdirSync(join(at, 'b'))).toEqual(['new'])
    }
    await using root = await store.createRoot('two', { layers: [base, middle, top] })
    await using _mounted = root.attach(at)
    expect(readdirSync(at)).toEqual(['only'])
    expect(root.layers).toHaveLength(3)
  })

  it('keeps changes to itself: layers and other roots do not see them', async () => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const layer = await add(
      store,
      { name: 'file', content: 'old' },
      { name: './', type: '5', mode: 0o751, uid: 3, gid: 4 },
    )
    {
      await using root = await store.createRoot('one', { layers: [layer], volatile: true })
      await using mounted = root.attach(at)
      expect(lstatSync(at)).toMatchObject({ mode: 0o40751, uid: 3, gid: 4 })
      writeFileSync(join(at, 'file'), 'new')
      expect(readFileSync(join(store.get(layer)!.path, 'file'), 'utf8')).toBe('old')
      await mounted.unmount()
      await mounted.unmount()
    }
    expect(await store.roots()).toEqual([])
    await using other = await store.createRoot('one', { layers: [layer] })
    await using _mounted = other.attach(at)
    expect(readFileSync(join(at, 'file'), 'utf8')).toBe('old')
  })

  it('finds a root again with what was written to it', async () => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const layer = await add(store, { name: 'file' })
    const root = await store.createRoot('one', { layers: [layer] })
    await using _made = root
    const mounted = root.attach(at)
    writeFileSync(join(at, 'new'), 'kept')
    await mounted.unmount()
    const again = await (await LayerStore.open(store.folder)).openRoot('one')
    expect(again.description).toEqual(root.description)
    using mount = again.mount()
    expect((await readFileIn(mount.number, 'new')).toString()).toBe('kept')
  })

  it('refuses an id that is taken, layers and folders that are missing, and leaves nothing of it', async () => {
    using folder = temporaryFolder()
    const { store } = await place(folder)
    const layer = await add(store, { name: 'file' })
    await using _root = await store.createRoot('one', { layers: [layer] })
    const code = (name: string): unknown => expect.objectContaining({ code: `ERR_OVERLAY_${name}` })
    await expect(store.createRoot('one', { layers: [layer] })).rejects.toEqual(code('EXISTS'))
    const missing = `sha256:${'0'.repeat(64)}`
    await expect(store.createRoot('two', { layers: [layer, missing] })).rejects.toEqual(code('NOT_FOUND'))
    await expect(store.createRoot('two', { lower: ['/nonexistent'] })).rejects.toEqual(code('NOT_FOUND'))
    await expect(store.createRoot('two', { lower: [] })).rejects.toEqual(code('INVALID_ARG'))
    await expect(store.createRoot('two', { lower: ['relative'] })).rejects.toEqual(code('INVALID_ARG'))
    await expect(store.createRoot('../two', { layers: [layer] })).rejects.toEqual(code('INVALID_ARG'))
    await expect(store.openRoot('two')).rejects.toEqual(code('NOT_FOUND'))
    // and a call that fails for another reason leaves the one that is there alone
    await expect(store.createRoot('one', { lower: [] })).rejects.toEqual(code('INVALID_ARG'))
    await expect(store.createRoot('one', { lower: ['/nonexistent'] })).rejects.toEqual(code('EXISTS'))
    expect(await store.roots()).toEqual(['one'])
    ;(await store.openRoot('one')).mount().close()
  })

  it('makes a copy-on-write sandbox of the host', async () => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    await using root = await store.createRoot('host', { lower: ['/'] })
    await using _mounted = root.attach(at)
    expect(readFileSync(join(at, 'etc/hostname'), 'utf8')).toBe(readFileSync('/etc/hostname', 'utf8'))
    const name = `etc/ctr-test-${process.pid}`
    writeFileSync(join(at, name), 'only here')
    expect(existsSync(`/${name}`)).toBe(false)
    // the sandbox does not lead back into its own upper folder
    expect(() => readdirSync(join(at, root.description.upper!))).toThrow(
      expect.objectContaining({ code: 'ELOOP' }),
    )
    expect(await root.changes()).toEqual([
      { kind: 'C', path: '/etc' },
      { kind: 'A', path: `/${name}` },
    ])
  })

  it('holds on to layers: they can be removed only when no root stands on them', async () => {
    using folder = temporaryFolder()
    const { store } = await place(folder)
    const layer = await add(store, { name: 'file' })
    const root = await store.createRoot('one', { layers: [layer] })
    await expect(store.remove(layer)).rejects.toMatchObject({ code: 'ERR_OVERLAY_IN_USE' })
    expect(store.get(layer)).toBeDefined()
    await root.remove()
    await store.remove(layer)
    expect(await store.list()).toEqual([])
  })
})

describeOn(['root', 'overlay'], 'LayerStore.view()', () => {
  it.each([1, 2])('shows %i layers read-only', async (count) => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const layers = [await add(store, { name: 'a' }), await add(store, { name: 'b' })].slice(0, count)
    await using _mounted = MountedRoot.attach(mountOverlay(store.view(layers)), at)
    expect(readdirSync(at)).toEqual(['a', 'b'].slice(0, count))
    expect(() => writeFileSync(join(at, 'c'), '')).toThrow(expect.objectContaining({ code: 'EROFS' }))
  })
})

describeOn(['root', 'overlay'], 'mountOverlay()', () => {
  it('quotes the kernel when it refuses', async () => {
    using folder = temporaryFolder()
    const { store } = await place(folder)
    const layer = await add(store, { name: 'a' })
    const root = await store.createRoot('one', { layers: [layer] })
    await using _root = root
    rmSync(root.description.work!, { recursive: true })
    expect(() => root.mount()).toThrow(/^cannot mount an overlay: cannot set workdir to .*: ENOENT/)
    writeFileSync(root.description.work!, '')
    expect(() => root.mount()).toThrow(/ENOTDIR|is not a directory/)
  })

  it('says when something still uses the mount', async () => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const layer = await add(store, { name: 'a' })
    await using root = await store.createRoot('one', { layers: [layer] })
    await using mounted = root.attach(at)
    const fd = openSync(join(at, 'a'), 'r')
    await expect(mounted.unmount()).rejects.toMatchObject({ code: 'ERR_OVERLAY_IN_USE' })
    closeSync(fd)
    await mounted.unmount()
    expect(() => root.attach(join(at, 'nonexistent'))).toThrow(
      expect.objectContaining({ code: 'ERR_OVERLAY_NOT_FOUND' }),
    )
  })
})

describeOn(['root', 'overlay'], 'RootFilesystem.changes()', () => {
  it('tells what was added, changed and deleted, as docker diff does', async () => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const base = await add(
      store,
      { name: 'etc/', type: '5' },
      { name: 'etc/changed', content: '1' },
      { name: 'etc/deleted' },
      { name: 'etc/untouched' },
      { name: 'opened/file' },
      { name: 'tree/a/b/c' },
      { name: 'replaced/by', content: 'folder' },
      { name: 'mode' },
      { name: 'timed/', type: '5' },
      { name: 'noted' },
      { name: 'capable' },
      { name: 'touched' },
    )
    const top = await add(
      store,
      { name: 'etc/.wh.untouched' },
      { name: 'becomes-folder' },
      { name: 'moved/x' },
      { name: 'tree/t' },
    )
    await using root = await store.createRoot('one', { layers: [base, top] })
    await using _mounted = root.attach(at)
    const inside = (path: string): string => join(at, path)
    expect(await root.changes()).toEqual([])
    closeSync(openSync(inside('opened/file'), 'r+'))
    expect(readdirSync(root.description.upper!)).toEqual(['opened']) // copied up
    writeFileSync(inside('etc/changed'), '2')
    writeFileSync(inside('etc/added'), '')
    rmSync(inside('etc/deleted'))
    rmSync(inside('replaced'), { recursive: true })
    mkdirSync(inside('replaced'))
    writeFileSync(inside('replaced/new'), '')
    rmSync(inside('tree/a'), { recursive: true })
    rmSync(inside('becomes-folder'))
    mkdirSync(inside('becomes-folder'))
    chmodSync(inside('mode'), 0o600)
    symlinkSync('/etc', inside('link'))
    // what Docker does not count: the time of a folder, an attribute, ownership that is as it was
    utimesSync(inside('timed'), 5, 5)
    lsetxattr(inside('noted'), 'user.note', Buffer.from('x'))
    utimesSync(inside('noted'), 7, 7)
    utimesSync(inside('noted'), 0, 0)
    lsetxattr(
      inside('capable'),
      'security.capability',
      Buffer.from('0100000280200000000000000000000000000000', 'hex'),
    )
    utimesSync(inside('capable'), 0, 0)
    utimesSync(inside('touched'), 5, 5)
    expect(() => renameSync(inside('moved'), inside('moved-away'))).toThrow(
      expect.objectContaining({ code: 'EXDEV' }),
    )
    expect(await root.changes()).toEqual([
      { kind: 'C', path: '/becomes-folder' },
      { kind: 'C', path: '/capable' },
      { kind: 'C', path: '/etc' },
      { kind: 'A', path: '/etc/added' },
      { kind: 'C', path: '/etc/changed' },
      { kind: 'D', path: '/etc/deleted' },
      { kind: 'A', path: '/link' },
      { kind: 'C', path: '/mode' },
      { kind: 'C', path: '/replaced' },
      { kind: 'D', path: '/replaced/by' },
      { kind: 'A', path: '/replaced/new' },
      { kind: 'C', path: '/touched' },
      { kind: 'C', path: '/tree' },
      { kind: 'D', path: '/tree/a' },
    ])
  })
})

describeOn(['root', 'overlay'], 'RootFilesystem.remove()', () => {
  it('removes whatever a container wrote, and can be called again', async () => {
    using folder = temporaryFolder()
    const { store, at } = await place(folder)
    const layer = await add(store, { name: 'a' })
    const root = await store.createRoot('one', { layers: [layer] })
    const mounted = root.attach(at)
    mkdirSync(join(at, 'd'.repeat(200)))
    let deep = join(at, 'd'.repeat(200))
    for (let level = 0; level < 15; level++) mkdirSync((deep = join(deep, 'e'.repeat(200))))
    writeFileSync(join(deep, 'file'), '')
    chmodSync(deep, 0)
    chownSync(deep, 12345, 12345)
    utimesSync(deep, 0, 0)
    rmSync(join(at, 'a'))
    await mounted.unmount()
    await root.remove()
    await root.remove()
    expect(existsSync(root.folder)).toBe(false)
    expect(readdirSync(dirname(root.folder))).toEqual([])
  })

  it('is what cleanup does to roots that nobody wants to keep', async () => {
    using folder = temporaryFolder()
    const { store } = await place(folder)
    const layer = await add(store, { name: 'a' })
    for (const id of ['kept', 'dead']) await store.createRoot(id, { layers: [layer] })
    mkdirSync(join(store.folder, 'roots/half-made'))
    expect(await store.cleanup()).toEqual({ abandoned: 0, roots: [] })
    expect(await store.cleanup({ keep: ['kept', 'other'] })).toEqual({
      abandoned: 0,
      roots: ['dead', 'half-made'],
    })
    expect(await store.roots()).toEqual(['kept'])
    await (await store.openRoot('kept')).remove()
  })
})
