import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { extract } from 'tar-stream'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore, mountOverlay, MountedRoot, packTree } from '../src/index.js'
import { RandomTree } from './random-tree.js'
import { tarOf } from './tar-builder.js'
import { treeOf } from './tree.js'

leakCheck()

const seeds = Array.from({ length: 12 }, (_, index) => index + 1)
const cases = [
  ...seeds.map((seed) => ({ seed, strategy: 'overlay' as const })),
  ...seeds.slice(0, 6).map((seed) => ({ seed, strategy: 'copy' as const })),
]

describeOn(['root', 'overlay', 'bin:tar'], 'RootFilesystem.diff() of random trees', () => {
  it.each(cases)(
    'makes of a what b is, byte for byte, and so does export() ($strategy, seed $seed)',
    async ({ seed, strategy }) => {
      using folder = temporaryFolder()
      const at = (name: string): string => join(folder.path, name)
      for (const name of ['a', 'mounted', 'theirs']) mkdirSync(at(name))
      const store = await LayerStore.open(at('store'), { durable: false, strategy })
      new RandomTree(at('a'), seed).fill(60)
      const base = await store.add(packTree(at('a')))
      expect(treeOf(base.path)).toEqual(treeOf(at('a')))

      await using root = await store.createRoot('b', { layers: [base.diffId] })
      const mounted = root.attach(at('mounted'))
      new RandomTree(at('mounted'), 1000 + seed).change(60)
      const b = treeOf(at('mounted'))
      await mounted.unmount()

      const top = await store.commit('b')
      expect((await buffer(root.diff())).equals(await buffer(root.diff()))).toBe(true)
      {
        await using _view = MountedRoot.attach(
          mountOverlay(store.view([base.diffId, top.diffId])),
          at('mounted'),
        )
        expect(treeOf(at('mounted'))).toEqual(b)
      }
      const exported = await buffer(root.export())
      const imported = await store.add(Readable.from([exported]))
      expect(treeOf(imported.path)).toEqual(b)
      writeFileSync(at('b.tar'), exported)
      execFileSync(
        'tar',
        ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', at('b.tar'), '-C', at('theirs')],
        {
          stdio: ['ignore', 'ignore', 'ignore'], // it finds times before 1970 worth a word
        },
      )
      expect(treeOf(at('theirs'))).toEqual(b)
    },
  )
})

describeOn(['root', 'overlay'], 'RootFilesystem.diff()', () => {
  it('has whiteouts, opaque folders and what was changed, in the order of names, and nothing of overlayfs', async () => {
    using folder = temporaryFolder()
    const at = join(folder.path, 'mounted')
    mkdirSync(at)
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const tar = tarOf(
      { name: 'gone' },
      { name: 'tree/a' },
      { name: 'tree/b' },
      { name: 'l', pax: { path: 'l'.repeat(254) } },
      { name: 'kept' },
    )
    const base = await store.add(Readable.from([tar]))
    const root = await store.createRoot('one', { layers: [base.diffId] })
    await using mounted = root.attach(at)
    rmSync(join(at, 'gone'))
    rmSync(join(at, 'l'.repeat(254)))
    rmSync(join(at, 'tree'), { recursive: true })
    mkdirSync(join(at, 'tree'))
    writeFileSync(join(at, 'tree/new'), 'x')
    linkSync(join(at, 'tree/new'), join(at, 'another'))
    await mounted.unmount()
    const listed: string[] = []
    const reader = extract()
    root.diff().pipe(reader)
    for await (const entry of reader) {
      const { type, name, linkname, pax } = entry.header
      listed.push([type, name, ...(linkname ? [linkname] : [])].join(' '))
      expect(Object.keys(pax ?? {}).filter((key) => key.includes('xattr'))).toEqual([])
      entry.resume()
    }
    expect(listed).toEqual([
      'directory ./',
      'file another',
      'file .wh.gone',
      `file .wh.${'l'.repeat(254)}`,
      'directory tree/',
      'file tree/.wh..wh..opq',
      'link tree/new another',
    ])
    const top = await store.commit('one')
    await using other = await store.createRoot('two', { layers: [base.diffId, top.diffId] })
    await using _again = other.attach(at)
    expect([readdirSync(at).sort(), readdirSync(join(at, 'tree'))]).toEqual([
      ['another', 'kept', 'tree'],
      ['new'],
    ])
  })

  it('refuses names that would be whiteouts, and ends when aborted', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const base = await store.add(Readable.from([tarOf({ name: 'a' })]))
    await using root = await store.createRoot('one', { layers: [base.diffId] })
    writeFileSync(join(root.description.upper!, '.wh.a'), '')
    await expect(store.commit('one')).rejects.toMatchObject({
      code: 'ERR_OVERLAY_INVALID_ARG',
      path: '.wh.a',
    })
    const aborted = { signal: AbortSignal.abort() }
    await expect(buffer(root.diff(aborted))).rejects.toMatchObject({ name: 'AbortError' })
    await expect(store.commit('one', aborted)).rejects.toMatchObject({ name: 'AbortError' })
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
    expect(await store.list()).toHaveLength(1)
  })

  it('is to be had of a root that is mounted, as is export()', async () => {
    using folder = temporaryFolder()
    const at = join(folder.path, 'mounted')
    mkdirSync(at)
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const base = await store.add(Readable.from([tarOf({ name: 'a', content: 'a' }, { name: 'b' })]))
    await using root = await store.createRoot('one', { layers: [base.diffId] })
    await using _mounted = root.attach(at)
    rmSync(join(at, 'b'))
    writeFileSync(join(at, 'c'), 'c')
    const layer = await store.add(root.export())
    expect(treeOf(layer.path)).toEqual(treeOf(at))
    expect(readdirSync(layer.path)).toEqual(['a', 'c'])
  })
})
