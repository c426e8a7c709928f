import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from '@jest/globals'
import {
  AT_FDCWD,
  lgetxattr,
  lsetxattr,
  makedev,
  mknodat,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  utimensat,
} from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore } from '../src/index.js'
import { tarOf, type RawEntry } from './tar-builder.js'
import { treeOf } from './tree.js'

leakCheck()

/** cap_net_raw, cap_setuid = ep: bytes that are no UTF-8. */
const capability = Buffer.from('010000028020000000000000000000000000000000', 'hex').subarray(0, 20)
/** user::rw-, user:1000:r--, group::r--, mask::r--, other::r-- */
const acl = Buffer.from(
  '0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff',
  'hex',
)

function makeTree(root: string): void {
  const at = (path: string): string => join(root, path)
  for (const folder of [
    'bin',
    'etc/deep/er',
    'tmp',
    'shared',
    `long/${'n'.repeat(120)}/${'m'.repeat(200)}`,
  ]) {
    mkdirSync(at(folder), { recursive: true })
  }
  writeFileSync(at('bin/su'), 'x'.repeat(3000))
  chownSync(at('bin/su'), 0, 42)
  chmodSync(at('bin/su'), 0o6755)
  writeFileSync(at('bin/ping'), Buffer.alloc(700_000, 'ping'))
  lsetxattr(at('bin/ping'), 'security.capability', capability)
  linkSync(at('bin/ping'), at('bin/ping6'))
  symlinkSync('ping', at('bin/p'))
  symlinkSync('/nowhere/at/all', at('etc/dangling'))
  linkSync(at('bin/ping'), at('etc/deep/ping'))
  chmodSync(at('tmp'), 0o1777)
  chownSync(at('shared'), 1000, 70_000)
  chmodSync(at('shared'), 0o2770)
  writeFileSync(at('shared/ümläut 日本'), 'text')
  lsetxattr(at('shared/ümläut 日本'), 'user.note', Buffer.from([0, 255, 10, 61]))
  writeFileSync(at('shared/acl'), '')
  lsetxattr(at('shared/acl'), 'system.posix_acl_access', acl)
  writeFileSync(at('etc/secret'), 's')
  chmodSync(at('etc/secret'), 0)
  writeFileSync(at(`long/${'n'.repeat(120)}/${'m'.repeat(200)}/${'o'.repeat(250)}`), 'far')
  symlinkSync('t'.repeat(150), at('long/link'))
  mknodat(AT_FDCWD, at('etc/null'), S_IFCHR + 0o666, makedev(1, 3))
  mknodat(AT_FDCWD, at('etc/disk'), S_IFBLK + 0o660, makedev(259, 70_000))
  mknodat(AT_FDCWD, at('etc/fifo'), S_IFIFO + 0o622)
  utimensat(AT_FDCWD, at('etc/deep/er'), { atimeNs: 0n, mtimeNs: 1_123_456_789n })
  utimensat(AT_FDCWD, at('bin/su'), { atimeNs: 0n, mtimeNs: -1_500_000_000n })
}

async function unpacked(store: LayerStore, ...entries: readonly RawEntry[]): Promise<string> {
  const layer = await store.add(Readable.from([tarOf(...entries)]))
  return layer.path
}

describeOn(['root', 'overlay', 'bin:tar'], 'LayerStore.add() beside GNU tar', () => {
  it.each(['posix', 'gnu'])('unpacks the same tree from the %s format', async (format) => {
    using folder = temporaryFolder()
    const at = (path: string): string => join(folder.path, path)
    mkdirSync(at('tree'))
    mkdirSync(at('theirs'))
    makeTree(at('tree'))
    // only PAX has extended attributes, nanoseconds and times before 1970
    const more = format === 'posix' ? ['--xattrs', '--xattrs-include=*'] : []
    execFileSync('tar', [`--format=${format}`, ...more, '-czf', at('tree.tar.gz'), '-C', at('tree'), '.'])
    execFileSync('tar', [...more, '--numeric-owner', '-xpzf', at('tree.tar.gz'), '-C', at('theirs')])
    const store = await LayerStore.open(at('store'), { durable: false })
    const layer = await store.add(createReadStream(at('tree.tar.gz')))
    expect(treeOf(layer.path)).toEqual(treeOf(at('theirs')))
    expect(layer.entries).toBe(treeOf(at('tree')).length)
    if (format === 'posix') expect(treeOf(layer.path)).toEqual(treeOf(at('tree')))
  })
})

describeOn(['root', 'overlay'], 'LayerStore.add()', () => {
  it('makes whiteouts and opaque folders, whatever their order', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const path = await unpacked(
      store,
      { name: 'etc/', type: '5' },
      { name: 'etc/.wh.pointless' },
      { name: 'usr/.wh.gone' },
      { name: 'etc/before' },
      { name: 'etc/.wh..wh..opq' },
      { name: 'etc/after' },
      { name: '.wh..wh.plnk/1.2' },
      { name: '.wh.file', content: '' },
      { name: 'file', content: 'of this layer' },
      { name: 'other', content: 'of this layer' },
      { name: '.wh.other' },
      { name: '.wh.folder1' },
      { name: 'folder1/', type: '5', mode: 0o750 },
      { name: 'folder2/', type: '5' },
      { name: '.wh.folder2' },
      { name: '.wh.folder3' },
      { name: 'folder3/file' },
    )
    const gone = lstatSync(join(path, 'usr/gone'))
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0])
    expect(readdirSync(join(path, 'etc')).sort()).toEqual(['after', 'before'])
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('of this layer')
    expect(readFileSync(join(path, 'other'), 'utf8')).toBe('of this layer')
    expect(readdirSync(path).sort()).toEqual([
      ...['etc', 'file', 'folder1', 'folder2', 'folder3', 'other', 'usr'],
    ])
    for (const opaque of ['etc', 'folder1', 'folder2', 'folder3']) {
      expect(lgetxattr(join(path, opaque), 'trusted.overlay.opaque')?.toString()).toBe('y')
    }
    expect(lstatSync(join(path, 'folder1')).mode & 0o7777).toBe(0o750)
    expect(lgetxattr(path, 'trusted.overlay.opaque')).toBeUndefined()
  })

  it('follows links in the way of a name below the root, also ones whose target is not there yet', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const path = await unpacked(
      store,
      { name: 'usr/lib/', type: '5' },
      { name: 'lib', type: '2', target: 'usr/lib' },
      { name: 'lib/a', content: 'a' },
      { name: 'run', type: '2', target: '/var/../var/run' },
      { name: 'run/lock/b', content: 'b' },
      { name: 'up', type: '2', target: '../../../etc' },
      { name: 'up/passwd', content: 'inside' },
      { name: 'hard', type: '1', target: 'lib/a' },
    )
    expect(readFileSync(join(path, 'usr/lib/a'), 'utf8')).toBe('a')
    expect(readFileSync(join(path, 'var/run/lock/b'), 'utf8')).toBe('b')
    expect(readFileSync(join(path, 'etc/passwd'), 'utf8')).toBe('inside')
    expect(lstatSync(join(path, 'hard')).ino).toBe(lstatSync(join(path, 'usr/lib/a')).ino)
    expect(lstatSync(join(path, 'var')).mode & 0o7777).toBe(0o755)
    expect(lstatSync(join(path, 'var')).mtimeMs).toBe(0)
  })

  it('lets a later entry replace an earlier one of any kind', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const path = await unpacked(
      store,
      { name: 'a/b/c', content: '1' },
      { name: 'a', content: 'file now' },
      { name: 'd', content: '1' },
      { name: 'd/', type: '5', mode: 0o700 },
      { name: 'd/e', content: '2' },
      { name: 'l', type: '2', target: 'd' },
      { name: 'l/', type: '5' },
      { name: 'l/f', content: '3' },
      { name: 'kept/x', content: '4' },
      { name: 'kept/', type: '5', mode: 0o711, uid: 7 },
    )
    expect(readFileSync(join(path, 'a'), 'utf8')).toBe('file now')
    expect(readdirSync(join(path, 'd'))).toEqual(['e'])
    expect(readdirSync(join(path, 'l'))).toEqual(['f'])
    expect(lstatSync(join(path, 'kept')).uid).toBe(7)
    expect(existsSync(join(path, 'kept/x'))).toBe(true)
  })

  it('keeps times of folders that are filled and changed later, and makes nothing of a global header', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const path = await unpacked(
      store,
      // as git archives have it; its folder is nowhere
      {
        name: 'nowhere/pax_global_header',
        type: 'g',
        content: '52 comment=0123456789012345678901234567890123456789\n',
      },
      { name: 'a/', type: '5', mtime: 1000 },
      { name: 'a/b/', type: '5', mode: 0o500, mtime: 2000 },
      { name: 'a/b/c', content: 'x', mtime: 3000 },
      { name: 'a/b/d', type: '1', target: 'a/b/c' },
      { name: 'a/.wh.gone' },
      { name: 'l', type: '2', target: 'a', mtime: 4000 },
      { name: 'l/b/e', content: 'by way of the link' },
      // a later entry for the same folder is what counts
      { name: 'a/', type: '5', mode: 0o711, mtime: 5000 },
    )
    const times = ['a', 'a/b', 'a/b/c', 'l'].map((name) => lstatSync(join(path, name)).mtimeMs / 1000)
    expect(times).toEqual([5000, 2000, 3000, 4000])
    expect(lstatSync(join(path, 'a')).mode & 0o7777).toBe(0o711)
    expect(readdirSync(join(path, 'a/b'))).toEqual(['c', 'd', 'e'])
    expect(readdirSync(path)).toEqual(['a', 'l'])
  })

  it('takes over what the archive says of the root itself', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const path = await unpacked(store, { name: './', type: '5', mode: 0o700, uid: 9, gid: 8, mtime: 1000 })
    const stat = lstatSync(path)
    expect([stat.mode & 0o7777, stat.uid, stat.gid, stat.mtimeMs]).toEqual([0o700, 9, 8, 1_000_000])
  })

  it('is not led astray by a umask, a setgid bit or a default ACL around the store', async () => {
    using folder = temporaryFolder()
    chownSync(folder.path, 0, 1234)
    chmodSync(folder.path, 0o2755)
    lsetxattr(folder.path, 'system.posix_acl_default', acl)
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const before = process.umask(0o077)
    try {
      const path = await unpacked(store, { name: 'a/b', content: '' }, { name: 'c', mode: 0o666 })
      expect(treeOf(path).map((line) => line.split(' ').slice(0, 3))).toEqual([
        ['.', '40755', '0:0'],
        ['a', '40755', '0:0'],
        ['a/b', '100644', '0:0'],
        ['c', '100666', '0:0'],
      ])
      expect(treeOf(path).join()).not.toContain('posix_acl')
    } finally {
      process.umask(before)
    }
  })
})
