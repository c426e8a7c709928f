import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore } from '../src/index.js'
import { tarOf, type RawEntry } from './tar-builder.js'

leakCheck()

/** A folder with a file in it, which links lead to. */
const etc: readonly RawEntry[] = [
  { name: 'etc/', type: '5', mode: 0o770 },
  { name: 'etc/passwd', content: 'inside' },
]

const folder = (name: string): RawEntry => ({ name, type: '5' })
const link = (name: string, target: string): RawEntry => ({ name, type: '2', target })
const hardLink = (name: string, target: string): RawEntry => ({ name, type: '1', target })

/** Unpacks a layer in a store, and hands its folder to `look` while it is there. */
async function unpack(entries: readonly RawEntry[], look: (path: string) => void): Promise<void> {
  using place = temporaryFolder()
  const store = await LayerStore.open(join(place.path, 'store'), { durable: false })
  const layer = await store.add(Readable.from([tarOf(...entries)]))
  look(layer.path)
  expect(readdirSync(place.path)).toEqual(['store'])
}

const inode = (...path: string[]): number => lstatSync(join(...path)).ino

describeOn(['root', 'overlay'], 'LayerStore.add() of names that lead through links', () => {
  it.each<[string, readonly RawEntry[], string]>([
    ['an absolute one', [link('l', '/etc')], 'etc'],
    ['one that goes up after another folder', [folder('other/'), link('l', '/other/../etc')], 'etc'],
    ['an absolute one to another', [folder('a/'), link('a/etc', '/etc'), link('l', '/a/etc')], 'etc'],
    ['a relative one to another', [folder('a/'), link('a/etc', '../etc'), link('l', './a/etc')], 'etc'],
    ['one that goes up further than there is', [link('l', `${'../'.repeat(15)}etc`)], 'etc'],
    ['one to the root', [link('l', '/')], ''],
    ['one to what is above the root', [link('l', '..')], ''],
    ['one to the root, said in a long way', [link('l', '/./.././.././../')], ''],
    [
      'one whose own name leads through one',
      [folder('in/'), link('in/up', '..'), link('in/up/l', '../etc')],
      'etc',
    ],
    ['one of a folder below', [folder('var/'), link('var/run', '/run'), link('l', 'var/run')], 'run'],
    ['one to what is not there', [link('l', '/not/yet')], 'not/yet'],
    ['one that became a folder before', [folder('l/'), link('l', '/etc')], 'etc'],
  ])('writes where %s leads', async (_, links, where) => {
    const file = { name: 'l/sub/file', content: 'found' }
    await unpack(
      [folder('etc/'), ...links, file, { name: '/l/sub/link', type: '1', target: '/l/sub/file' }],
      (path) => {
        expect(lstatSync(join(path, 'l')).isSymbolicLink()).toBe(true)
        expect(readFileSync(join(path, where, 'sub/file'), 'utf8')).toBe('found')
        expect(inode(path, where, 'sub/link')).toBe(inode(path, where, 'sub/file'))
      },
    )
  })

  it('empties a file that is behind one', async () => {
    await unpack([...etc, link('l', '/etc'), { name: 'l/passwd', content: '' }], (path) => {
      expect(lstatSync(join(path, 'etc/passwd')).size).toBe(0)
    })
  })

  it('makes a folder of one that is told to be a folder, whatever was written through it', async () => {
    await unpack(
      [
        { name: 'foo/tmp/file', content: 'first' },
        link('foo', '/'),
        { name: 'foo/tmp/file', content: 'through the link' },
        folder('foo/'),
        { name: 'foo/tmp/', type: '5', mode: 0o711 },
        { name: 'foo/tmp/file', content: 'last' },
      ],
      (path) => {
        expect(readFileSync(join(path, 'foo/tmp/file'), 'utf8')).toBe('last')
        expect(lstatSync(join(path, 'foo/tmp')).mode & 0o7777).toBe(0o711)
        expect(readFileSync(join(path, 'tmp/file'), 'utf8')).toBe('through the link')
      },
    )
  })

  it('hides what is behind one that leads nowhere, and nothing else', async () => {
    await unpack([...etc, link('l', '/nowhere'), { name: 'l/.wh.etc' }], (path) => {
      expect(readFileSync(join(path, 'etc/passwd'), 'utf8')).toBe('inside')
      expect(readdirSync(join(path, 'nowhere'))).toEqual(['etc'])
    })
  })

  it.each<[string, readonly RawEntry[]]>([
    ['what is above the root', [link('..', '/etc')]],
    ['what is above a folder', [link('a/b/..', '/etc')]],
    ['nothing, which is the root', [link('', '/etc')]],
  ])('refuses a link in the place of %s', async (_, entries) => {
    await expect(unpack([...etc, ...entries], () => undefined)).rejects.toMatchObject({
      code: 'ERR_OVERLAY_ARCHIVE',
    })
  })
})

describeOn(['root', 'overlay'], 'LayerStore.add() of hard links', () => {
  it.each<[string, readonly RawEntry[], string]>([
    ['an absolute name', [], '/etc/passwd'],
    ['a name in a folder that is a link upwards', [folder('in/'), link('in/d', '../../etc')], '/in/d/passwd'],
    ['the same by way of another folder', [folder('b/'), link('d', 'b/../../etc')], 'd/passwd'],
    ['a name in a folder that is an absolute link', [link('d', '/etc')], 'd/passwd'],
    ['a name below a link to a link', [link('d', 'e'), link('e', '/etc')], './d/passwd'],
  ])('links to %s', async (_, entries, target) => {
    await unpack([...etc, ...entries, folder('local/'), hardLink('local/mine', target)], (path) => {
      expect(inode(path, 'local/mine')).toBe(inode(path, 'etc/passwd'))
    })
  })

  it.each<[string, readonly RawEntry[], string]>([
    ['a name that goes up, though it would end inside', [], '../../etc/passwd'],
    ['a name behind a link through what is not there', [link('d', 'gone/../etc')], 'd/passwd'],
    ['a name behind a link that leads nowhere', [link('d', '/gone')], 'd/passwd'],
    ['a name below a file', [], 'etc/passwd/x'],
  ])('refuses %s', async (_, entries, target) => {
    await expect(
      unpack([...etc, ...entries, hardLink('mine', target)], () => undefined),
    ).rejects.toMatchObject({ code: 'ERR_OVERLAY_ARCHIVE' })
  })

  it.each(['/etc/passwd', '../../../../etc/passwd'])(
    'makes a second name of a link to %s itself, and follows neither',
    async (target) => {
      await unpack([link('l', target), hardLink('h', '/l'), ...etc], (path) => {
        expect(inode(path, 'h')).toBe(inode(path, 'l'))
        expect(readlinkSync(join(path, 'h'))).toBe(target)
        expect(lstatSync(join(path, 'etc/passwd')).nlink).toBe(1)
      })
    },
  )

  it('leaves the file as it is, whatever their own entries say', async () => {
    const told = { mode: 0o777, uid: 1337, gid: 2020, mtime: 99 }
    await unpack(
      [
        { name: 'file', content: 'x', mode: 0o640, uid: 5, gid: 6, mtime: 7 },
        { ...hardLink('second', 'file'), ...told },
        { name: 'l', type: '2', target: 'file', uid: 8 },
        { ...hardLink('third', 'l'), ...told },
      ],
      (path) => {
        expect(lstatSync(join(path, 'file'))).toMatchObject({ mode: 0o100640, uid: 5, gid: 6, mtimeMs: 7000 })
        expect(lstatSync(join(path, 'l'))).toMatchObject({ uid: 8 })
        expect(inode(path, 'third')).toBe(inode(path, 'l'))
      },
    )
  })

  it('parts names whose file an entry replaces', async () => {
    await unpack(
      [...etc, hardLink('second', 'etc/passwd'), { name: 'second', content: 'another' }],
      (path) => {
        expect(readFileSync(join(path, 'etc/passwd'), 'utf8')).toBe('inside')
        expect(readFileSync(join(path, 'second'), 'utf8')).toBe('another')
      },
    )
  })
})

describeOn(['root', 'overlay'], 'LayerStore.add() of folders', () => {
  it.each([0o022, 0o027])(
    'gives them the modes that they have, with and without a slash (umask %i)',
    async (mask) => {
      const before = process.umask(mask)
      try {
        await unpack(
          [
            { name: 'deeply/nested/implied/file' },
            { name: '/told/', type: '5', mode: 0o644 },
            { name: 'told/more/', type: '5', mode: 0o600 },
            { name: 'told/more/read', type: '5', mode: 0o400 },
            { name: 'told/more/all/', type: '5', mode: 0o777 },
            { name: 'told/more/all/file', mode: 0o666 },
            { name: 'implied/without-slash', type: '5', mode: 0o700 },
          ],
          (path) => {
            const modes = Object.fromEntries(
              (readdirSync(path, { recursive: true }) as string[]).map((name) => [
                name,
                (lstatSync(join(path, name)).mode & 0o7777).toString(8),
              ]),
            )
            expect(modes).toEqual({
              deeply: '755',
              'deeply/nested': '755',
              'deeply/nested/implied': '755',
              'deeply/nested/implied/file': '644',
              told: '644',
              'told/more': '600',
              'told/more/read': '400',
              'told/more/all': '777',
              'told/more/all/file': '666',
              implied: '755',
              'implied/without-slash': '700',
            })
          },
        )
      } finally {
        process.umask(before)
      }
    },
  )

  it('takes names that only look like the one above', async () => {
    await unpack([{ name: '..gitme' }, { name: 'a/...', content: '' }, { name: '..d/x' }], (path) => {
      for (const name of ['..gitme', 'a/...', '..d/x']) expect(existsSync(join(path, name))).toBe(true)
    })
  })
})
