import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { VolumeStore } from '../src/index.js'
import { RandomTree } from './random-tree.js'
import { tarOf } from './tar-builder.js'
import { treeOf } from './tree.js'

leakCheck()

async function openIn(folder: { readonly path: string }): Promise<VolumeStore> {
  return VolumeStore.open(join(folder.path, 'volumes'))
}

/** Opens a tree as the root of an image. */
function rootOf(path: string): { readonly fd: number } & Disposable {
  const fd = openSync(path, 'r')
  return { fd, [Symbol.dispose]: () => closeSync(fd) }
}

describeOn(['root'], 'VolumeStore', () => {
  it('tells the size of their files, however deep, and follows no link', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const { path } = await store.create('data')
    writeFileSync(join(path, 'a'), 'x'.repeat(1000))
    linkSync(join(path, 'a'), join(path, 'b'))
    symlinkSync('/usr', join(path, 'c'))
    let deep = path
    for (let depth = 0; depth < 100; depth++) mkdirSync((deep = join(deep, 'd')))
    writeFileSync(join(deep, Buffer.from([0x66, 0xff]).toString('latin1')), 'y'.repeat(50))
    expect(await store.get('data')!.size()).toBe(1000 + '/usr'.length + 50)
  })

  it('makes, finds, lists and removes volumes', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const data = await store.create('data', { labels: { a: 'b' } })
    expect(lstatSync(data.path).mode & 0o7777).toBe(0o755)
    writeFileSync(join(data.path, 'file'), 'kept')
    const again = await (await openIn(folder)).create('data')
    expect(again).toMatchObject({
      name: 'data',
      anonymous: false,
      labels: { a: 'b' },
      createdAt: data.createdAt,
    })
    expect(readFileSync(join(again.path, 'file'), 'utf8')).toBe('kept')
    const anonymous = await store.create()
    expect(anonymous.name).toMatch(/^[0-9a-f]{64}$/)
    expect(store.list().map(({ name }) => name)).toEqual([anonymous.name, 'data'].sort())
    await store.remove('data')
    await store.remove('data')
    expect(store.get('data')).toBeUndefined()
    expect(await store.prune()).toEqual([anonymous.name])
    expect(treeOf(store.folder).map((line) => line.split(' ')[0])).toEqual(['.', '.temporary'])
  })

  it('keeps what is in use, until nobody uses it any more', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const named = await store.create('named')
    const anonymous = await store.create()
    for (const volume of [named, anonymous]) for (const user of ['web-1', 'web-2']) volume.use(user)
    await expect(store.remove('named')).rejects.toMatchObject({
      code: 'ERR_OVERLAY_IN_USE',
      message: 'cannot remove the volume named: it is in use by web-1, web-2',
    })
    expect(await store.prune({ all: true })).toEqual([])
    named.release('web-1')
    named.release('web-1')
    await store.cleanup({ ended: (user) => user === 'web-2' })
    expect([named.users(), anonymous.users()]).toEqual([[], ['web-1']])
    expect(await store.prune()).toEqual([])
    expect(await store.prune({ all: true })).toEqual(['named'])
    expect(() => named.use('web-3')).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_NOT_FOUND' }))
    anonymous.release('web-1')
    await store.remove(anonymous.name)
    expect(store.list()).toEqual([])
  })

  it('makes one volume of many that are made at once', async () => {
    using folder = temporaryFolder()
    const stores = await Promise.all([openIn(folder), openIn(folder)])
    const made = await Promise.all([...stores, ...stores].map((store) => store.create('same')))
    expect(new Set(made.map(({ createdAt }) => createdAt)).size).toBe(1)
    expect(readdirSync(join(stores[0].folder, '.temporary'))).toEqual([])
  })

  it.each(['', 'a', '.', '..', '../x', 'a/b', '-a', 'a\0b', 'x'.repeat(129)])(
    'refuses the name %j',
    async (name) => {
      using folder = temporaryFolder()
      const store = await openIn(folder)
      const invalid = expect.objectContaining({ code: 'ERR_OVERLAY_INVALID_ARG' }) as unknown
      await expect(store.create(name)).rejects.toEqual(invalid)
      await expect(store.remove(name)).rejects.toEqual(invalid)
      await expect(store.restore(name, Readable.from([tarOf()]))).rejects.toEqual(invalid)
      expect(() => store.get(name)).toThrow(invalid)
      const user = name.length === 1 ? `${name}/` : name
      expect(() => store.get('there')?.use(user)).not.toThrow()
      const volume = await store.create('there')
      expect(() => volume.use(user)).toThrow(invalid)
      expect(treeOf(folder.path).filter((line) => !line.includes('there'))).toHaveLength(3)
    },
  )
})

describeOn(['root'], 'Volume.fill()', () => {
  it('copies what an image has, with owner and permissions of the folder, once', async () => {
    using folder = temporaryFolder()
    const image = join(folder.path, 'image')
    mkdirSync(join(image, 'srv/data'), { recursive: true })
    new RandomTree(join(image, 'srv/data'), 7).fill(40)
    writeFileSync(join(image, 'srv/data/.wh.name'), 'no whiteout here')
    chmodSync(join(image, 'srv/data'), 0o1770)
    utimesSync(join(image, 'srv/data'), 5, 5)
    const store = await openIn(folder)
    const volume = await store.create('data')
    volume.use('c1')
    using root = rootOf(image)
    expect(await volume.fill(root.fd, '/srv/data', 'c1')).toBe(true)
    expect(treeOf(volume.path)).toEqual(treeOf(join(image, 'srv/data')))
    expect(await volume.fill(root.fd, '/srv/data', 'c1')).toBe(false) // is not empty any more
    const used = await store.create('used')
    used.use('c1')
    used.use('c2')
    expect(await used.fill(root.fd, '/srv/data', 'c1')).toBe(false) // is mounted elsewhere
    expect(readdirSync(join(store.folder, '.temporary'))).toEqual([])
  })

  it('is done once when several do it at once', async () => {
    using folder = temporaryFolder()
    const image = join(folder.path, 'image')
    mkdirSync(image)
    writeFileSync(join(image, 'file'), 'x')
    const volume = await (await openIn(folder)).create('data')
    using root = rootOf(image)
    const filled = await Promise.all(Array.from({ length: 4 }, () => volume.fill(root.fd, '/', 'c1')))
    expect(filled.filter(Boolean)).toHaveLength(1)
    expect(readdirSync(volume.path)).toEqual(['file'])
  })

  it('is not led out of the image, and leaves alone what is no folder', async () => {
    using folder = temporaryFolder()
    const image = join(folder.path, 'image')
    mkdirSync(image)
    mkdirSync(join(folder.path, 'secret'))
    writeFileSync(join(folder.path, 'secret/key'), 'key')
    symlinkSync(join(folder.path, 'secret'), join(image, 'absolute'))
    symlinkSync('../secret', join(image, 'relative'))
    symlinkSync('/proc/self/root', join(image, 'magic'))
    symlinkSync('loop', join(image, 'loop'))
    writeFileSync(join(image, 'file'), '')
    const volume = await (await openIn(folder)).create('data')
    using root = rootOf(image)
    for (const path of ['/absolute', '/relative', '/magic', '/loop', '/file', '/../secret', '/missing']) {
      expect(await volume.fill(root.fd, path, 'c1')).toBe(false)
    }
    expect(readdirSync(volume.path)).toEqual([])
  })
})

describeOn(['root'], 'Volume.backup() and VolumeStore.restore()', () => {
  it.each([1, 2, 3])('brings back the same tree (seed %i)', async (seed) => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    const data = await store.create('data')
    new RandomTree(data.path, seed).fill(60)
    const copy = await store.restore('copy', data.backup())
    expect(treeOf(copy.path)).toEqual(treeOf(data.path))
    expect((await buffer(copy.backup())).equals(await buffer(data.backup()))).toBe(true)
  })

  it('refuses what is there, and leaves nothing of a tar that is bad', async () => {
    using folder = temporaryFolder()
    const store = await openIn(folder)
    await store.create('data')
    const restored = store.restore('data', Readable.from([tarOf()]))
    await expect(restored).rejects.toMatchObject({ code: 'ERR_OVERLAY_EXISTS' })
    const bad = store.restore(
      'bad',
      Readable.from([tarOf({ name: 'a' }, { name: '../../../../x', content: 'x' })]),
    )
    await expect(bad).rejects.toMatchObject({ code: 'ERR_OVERLAY_ARCHIVE' })
    expect(store.get('bad')).toBeUndefined()
    expect(readdirSync(join(store.folder, '.temporary'))).toEqual([])
    expect(existsSync(join(folder.path, 'x'))).toBe(false)
  })
})
