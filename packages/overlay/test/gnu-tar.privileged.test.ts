import { execFileSync } from 'node:child_process'
import {
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  ftruncateSync,
  readSync,
  truncateSync,
  writeSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from '@jest/globals'
import { lgetxattr, lsetxattr } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore } from '../src/index.js'
import { tarOf } from './tar-builder.js'
import { treeOf } from './tree.js'

leakCheck()

/** user::rw-, user:54321:r--, whom no machine knows (GNU tar writes names where it can), group::r--, ... */
const access = Buffer.from(
  '0200000001000600ffffffff0200040031d4000004000400ffffffff10000400ffffffff20000000ffffffff',
  'hex',
)

/** A file of `size` bytes with a few bytes of data at some places. */
function sparseFile(path: string, size: number, places: readonly number[]): void {
  const fd = openSync(path, 'w')
  ftruncateSync(fd, size)
  for (const place of places) writeSync(fd, `data at ${place}`, place)
  closeSync(fd)
}

function makeTree(root: string): void {
  const at = (name: string): string => join(root, name)
  const megabytes = (count: number): number => count * 2 ** 20
  sparseFile(at('only-a-hole'), megabytes(5), [])
  sparseFile(at('starts-with-data'), megabytes(5), [0, megabytes(3)])
  sparseFile(at('ends-in-data'), megabytes(5), [megabytes(1), megabytes(5) - 20])
  // more pieces than a header of the old format, and one block after it, have room for
  sparseFile(
    at('many-pieces'),
    megabytes(100),
    Array.from({ length: 300 }, (_, index) => index * 300_000),
  )
  sparseFile(at(`long-name-${'n'.repeat(200)}`), megabytes(2), [megabytes(1)])
  sparseFile(at('huge'), 20 * 2 ** 30, [19 * 2 ** 30])
  writeFileSync(at('plain'), 'no holes')
}

function readAt(path: string, offset: number): string {
  const fd = openSync(path, 'r')
  const text = Buffer.alloc(`data at ${offset}`.length)
  readSync(fd, text, 0, text.length, offset)
  closeSync(fd)
  return text.toString()
}

/** Name, size and blocks on the disk. The 20 GiB file is not read. */
function sizes(root: string, names: readonly string[]): string[] {
  return names.map((name) => {
    const { size, blocks } = lstatSync(join(root, name))
    return `${name} ${size} ${blocks}`
  })
}

describeOn(['root', 'overlay', 'bin:tar'], 'LayerStore.add() of sparse files of GNU tar', () => {
  it.each([
    ['the old format', ['--format=gnu']],
    ['PAX 0.0', ['--format=posix', '--sparse-version=0.0']],
    ['PAX 0.1', ['--format=posix', '--sparse-version=0.1']],
    ['PAX 1.0', ['--format=posix', '--sparse-version=1.0']],
  ])('makes the same holes as GNU tar from %s', async (_, format) => {
    using folder = temporaryFolder()
    const at = (path: string): string => join(folder.path, path)
    mkdirSync(at('tree'))
    mkdirSync(at('theirs'))
    makeTree(at('tree'))
    execFileSync('tar', [...format, '--sparse', '-cf', at('tree.tar'), '-C', at('tree'), '.'])
    execFileSync('tar', ['--numeric-owner', '-xpf', at('tree.tar'), '-C', at('theirs')])
    expect(lstatSync(at('tree.tar')).size).toBeLessThan(5_000_000)
    const store = await LayerStore.open(at('store'), { durable: false })
    const layer = await store.add(createReadStream(at('tree.tar')))
    const names = ['only-a-hole', 'starts-with-data', 'ends-in-data', 'many-pieces', 'huge', 'plain']
    expect(sizes(layer.path, names)).toEqual(sizes(at('theirs'), names))
    for (const path of [at('tree'), at('theirs'), layer.path]) {
      // the whole of it would be read for a hash
      expect(readAt(join(path, 'huge'), 19 * 2 ** 30)).toBe(`data at ${19 * 2 ** 30}`)
      truncateSync(join(path, 'huge'))
    }
    const [ours, theirs, original] = [layer.path, at('theirs'), at('tree')].map((path) =>
      treeOf(path).filter((line) => !line.startsWith('huge') && !line.startsWith('. ')),
    )
    expect(ours).toEqual(theirs)
    // GNU's own format has whole seconds only
    if (format[0] === '--format=posix') expect(ours).toEqual(original)
  })
})

describeOn(['root', 'overlay', 'bin:tar'], 'LayerStore.add() of textual ACLs', () => {
  it('sets what GNU tar wrote with --acls', async () => {
    using folder = temporaryFolder()
    const at = (path: string): string => join(folder.path, path)
    mkdirSync(at('tree/folder'), { recursive: true })
    mkdirSync(at('theirs'))
    writeFileSync(at('tree/file'), 'x')
    lsetxattr(at('tree/file'), 'system.posix_acl_access', access)
    lsetxattr(at('tree/folder'), 'system.posix_acl_default', access)
    execFileSync('tar', [
      '--format=posix',
      '--acls',
      '--numeric-owner',
      '-cf',
      at('tree.tar'),
      '-C',
      at('tree'),
      '.',
    ])
    execFileSync('tar', ['--acls', '--numeric-owner', '-xpf', at('tree.tar'), '-C', at('theirs')])
    const store = await LayerStore.open(at('store'), { durable: false })
    const layer = await store.add(createReadStream(at('tree.tar')))
    expect(treeOf(layer.path)).toEqual(treeOf(at('theirs')))
    expect(treeOf(layer.path)).toEqual(treeOf(at('tree')))
    expect(lgetxattr(join(layer.path, 'file'), 'system.posix_acl_access')).toEqual(access)
  })

  it('gives nobody the permissions of a user that it does not know', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const list = 'user::rw-,user:lisa:rw-,group::---,mask::rw-,other::---'
    const tar = tarOf({ name: 'a', mode: 0o660, pax: { 'SCHILY.acl.access': list } })
    const layer = await store.add(Readable.from([tar]))
    const set = lgetxattr(join(layer.path, 'a'), 'system.posix_acl_access')
    expect(set?.toString('hex')).toBe(
      '0200000001000600ffffffff04000000ffffffff10000600ffffffff20000000ffffffff',
    )
    expect(lstatSync(join(layer.path, 'a')).mode & 0o777).toBe(0o660)
  })
})
