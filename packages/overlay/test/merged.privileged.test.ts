import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { lgetxattr, mount, MS_NODEV, umount2 } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore, mountOverlay, MountedRoot } from '../src/index.js'
import { namesIn, tarOf, type RawEntry } from './tar-builder.js'

leakCheck()

/** Entries of files and, with a slash at their end, folders. */
function entriesOf(names: readonly string[]): RawEntry[] {
  return names.map((name) => ({ name, type: name.endsWith('/') ? '5' : '0' }))
}

async function addLayer(store: LayerStore, entries: readonly RawEntry[]): Promise<string> {
  return (await store.add(Readable.from([tarOf(...entries)]))).diffId
}

/** Shows layers, one on the other, to `look`. */
async function merged(
  layers: readonly (readonly RawEntry[])[],
  look: (path: string) => void | Promise<void>,
): Promise<void> {
  using folder = temporaryFolder()
  const at = join(folder.path, 'merged')
  mkdirSync(at)
  const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
  const ids: string[] = []
  for (const entries of layers) ids.push(await addLayer(store, entries))
  await using _mounted = MountedRoot.attach(mountOverlay(store.view(ids)), at)
  await look(at)
}

/** All names below a folder, those of folders with a slash. */
function namesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const name = join(entry.parentPath, entry.name).slice(path.length + 1)
      return entry.isDirectory() ? `${name}/` : name
    })
    .sort()
}

describeOn(['root', 'overlay'], 'Layers, one on the other', () => {
  const base = [
    '.one',
    'bin/',
    'bin/a',
    'bin/sub/',
    'one',
    'lib/',
    'lib/.h',
    'lib/.d/',
    'lib/.d/a',
    'lib/x',
    'zz',
  ]

  it.each<[string, readonly (readonly string[])[], readonly string[]]>([
    ['the same layer again', [base, base], base],
    [
      'whiteouts of files, hidden ones too',
      [base, ['.wh.one', '.wh..one', 'lib/.wh..h']],
      base.filter((name) => !['one', '.one', 'lib/.h'].includes(name)),
    ],
    [
      'whiteouts of folders, hidden ones too',
      [base, ['.wh.bin', 'lib/.wh..d']],
      ['.one', 'lib/', 'lib/.h', 'lib/x', 'one', 'zz'],
    ],
    [
      'an opaque folder that is filled again',
      [base, ['lib/', 'lib/new', 'lib/.wh..wh..opq', 'lib/.d/', 'lib/.d/b', '.wh.one']],
      ['.one', 'bin/', 'bin/a', 'bin/sub/', 'lib/', 'lib/.d/', 'lib/.d/b', 'lib/new', 'zz'],
    ],
    ['an opaque root', [base, ['.hidden', '.wh..wh..opq', 'zz']], ['.hidden', 'zz']],
    [
      'whiteouts below folders that it has no entries for',
      [
        ['a/b/c/x', 'd/e/f/x', 'd/e/g'],
        ['a/b/.wh.c', 'd/e/f/.wh..wh..opq', 'd/e/f/y'],
      ],
      ['a/', 'a/b/', 'd/', 'd/e/', 'd/e/f/', 'd/e/f/y', 'd/e/g'],
    ],
    [
      'a whiteout and an opaque mark of the same folder',
      [
        ['d/x', 'e/x'],
        ['.wh.d', 'd/.wh..wh..opq', '.wh.e', 'e/.wh..wh..opq', 'e/y'],
      ],
      ['d/', 'e/', 'e/y'],
    ],
    [
      'whiteouts in an opaque folder, before and after its mark',
      [
        ['o/f/b/before', 'o/f/b/stays', 'o/a/after'],
        ['o/f/b/.wh.before', 'o/file', 'o/.wh..wh..opq', 'o/a/.wh.after', 'o/a/file'],
      ],
      ['o/', 'o/a/', 'o/a/file', 'o/f/', 'o/f/b/', 'o/file'],
    ],
    [
      'opaque folders in one another',
      [
        ['n/a/b/x', 'n/a/x', 'n/x'],
        ['n/a/b/.wh..wh..opq', 'n/a/.wh..wh..opq', 'n/.wh..wh..opq', 'n/a/b/y'],
      ],
      ['n/', 'n/a/', 'n/a/b/', 'n/a/b/y'],
    ],
    ['a folder removed by one layer and made by the next', [['d/x'], ['.wh.d'], ['d/y']], ['d/', 'd/y']],
    [
      'files removed and made again in one layer',
      [
        ['a', 'b'],
        ['.wh.a', 'a', 'b', '.wh.b'],
      ],
      ['a', 'b'],
    ],
    [
      'whiteouts of what is not there',
      [
        ['a', 'y/'],
        ['.wh.x', 'y/.wh.z'],
      ],
      ['a', 'y/'],
    ],
    [
      'a layer that is there three times, others between',
      [
        ['b', 'd/y'],
        ['a', '.wh.b', 'd/.wh..wh..opq', 'd/x'],
        ['b', 'c', 'd/z', '.wh.a'],
        ['a', '.wh.b', 'd/.wh..wh..opq', 'd/x'],
        ['b', 'e'],
        ['a', '.wh.b', 'd/.wh..wh..opq', 'd/x'],
      ],
      ['a', 'c', 'd/', 'd/x', 'e'],
    ],
  ])('show %s', async (_, layers, expected) => {
    await merged(layers.map(entriesOf), (at) => expect(namesBelow(at)).toEqual([...expected].sort()))
  })

  it('take a folder that only a name implies as a folder of their own, of root and open to all', async () => {
    const lower = [
      { name: 'shared/', type: '5', mode: 0o1777, uid: 5 },
      { name: 'shared/a' },
      { name: 'l', type: '2', target: 'shared' },
    ]
    await merged([lower, [{ name: 'shared/b' }, { name: 'l/c' }]], (at) => {
      expect(lstatSync(join(at, 'shared'))).toMatchObject({ mode: 0o40755, uid: 0 })
      expect(namesBelow(at)).toEqual(['l/', 'l/c', 'shared/', 'shared/a', 'shared/b'])
    })
    await merged([lower, [lower[0]!, { name: 'shared/b' }]], (at) => {
      expect(lstatSync(join(at, 'shared'))).toMatchObject({ mode: 0o41777, uid: 5 })
    })
  })
})

describeOn(['root', 'overlay', 'bin:python3'], 'RootFilesystem.diff() of what was changed', () => {
  it.each<[string, readonly string[], (at: string) => void | Promise<void>, readonly string[]]>([
    ['nothing', ['etc/'], () => undefined, ['./']],
    [
      'files in folders, whose entries come with them',
      ['a/', 'b/'],
      (at) => {
        mkdirSync(join(at, 'a/new'), { mode: 0o700 })
        writeFileSync(join(at, 'b/file'), 'x')
      },
      ['./', 'a/', 'a/new/', 'b/', 'b/file'],
    ],
    ['the mode of a folder', ['a/', 'b/'], (at) => chmodSync(join(at, 'a'), 0o711), ['./', 'a/']],
    [
      'a second name of a file that was there',
      ['a/file', 'b/'],
      (at) => linkSync(join(at, 'a/file'), join(at, 'b/file')),
      ['./', 'a/', 'a/file', 'b/', 'b/file link to a/file'],
    ],
    [
      'what is gone, beside what is new',
      ['a/', 'a/1', 'a/3', 'b/', 'b/file', 'c/'],
      (at) => {
        rmSync(join(at, 'a/1'))
        writeFileSync(join(at, 'a/2'), '')
        rmSync(join(at, 'b'), { recursive: true })
        rmSync(join(at, 'c'), { recursive: true })
      },
      ['./', 'a/', 'a/.wh.1', 'a/2', '.wh.b', '.wh.c'],
    ],
    [
      'a link that leads elsewhere, and one that is a folder now',
      ['bin/', 'bin/real'],
      (at) => {
        symlinkSync('../bin/real', join(at, 'bin/one'))
        symlinkSync('real', join(at, 'bin/two'))
        rmSync(join(at, 'bin/one'))
        symlinkSync('/bin/real', join(at, 'bin/one'))
        rmSync(join(at, 'bin/two'))
        mkdirSync(join(at, 'bin/two'))
      },
      ['./', 'bin/', 'bin/one -> /bin/real', 'bin/two/'],
    ],
    [
      'sockets, which no archive can have',
      ['a'],
      async (at) => {
        // made by another program: the path of a socket is short, and closing one here would remove it
        execFileSync('python3', ['-c', 'import socket; socket.socket(socket.AF_UNIX).bind("s")'], { cwd: at })
        expect(lstatSync(join(at, 's')).isSocket()).toBe(true)
        writeFileSync(join(at, 'b'), '')
        await Promise.resolve()
      },
      ['./', 'b'],
    ],
  ])('has %s', async (_, lower, change, expected) => {
    using folder = temporaryFolder()
    const at = join(folder.path, 'mounted')
    mkdirSync(at)
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    await using root = await store.createRoot('one', { layers: [await addLayer(store, entriesOf(lower))] })
    {
      await using _mounted = root.attach(at)
      await change(at)
    }
    expect(namesIn(await buffer(root.diff()))).toEqual(expected)
  })
})

describeOn(['root', 'overlay'], 'LayerStore.add() of devices', () => {
  it('sets their modes and times without opening them, also where no device works', async () => {
    using folder = temporaryFolder()
    mount('tmpfs', folder.path, 'tmpfs', MS_NODEV, 'size=16m')
    try {
      const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
      const layer = await store.add(
        Readable.from([
          tarOf(
            // opening it would make a terminal
            { name: 'ptmx', type: '3', major: 5, minor: 2, mode: 0o666, uid: 3, mtime: 9 },
            { name: 'disk', type: '4', major: 259, minor: 70_000, mode: 0o4640, mtime: 9 },
            { name: 'fifo', type: '6', mode: 0o1622, mtime: 9 },
            { name: 'file', mode: 0, content: 'x', mtime: 9, pax: { 'SCHILY.xattr.user.a': 'b' } },
          ),
        ]),
      )
      const modes = ['ptmx', 'disk', 'fifo', 'file'].map((name) => {
        const { mode, mtimeMs } = lstatSync(join(layer.path, name))
        return [(mode & 0o7777).toString(8), mtimeMs]
      })
      expect(modes).toEqual([
        ['666', 9000],
        ['4640', 9000],
        ['1622', 9000],
        ['0', 9000],
      ])
      expect(lgetxattr(join(layer.path, 'file'), 'user.a')?.toString()).toBe('b')
      expect(readFileSync(join(layer.path, 'file'), 'utf8')).toBe('x')
    } finally {
      umount2(folder.path)
    }
  })
})
