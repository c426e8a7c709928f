import { execFileSync } from 'node:child_process'
import {
  createReadStream,
  linkSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { AT_FDCWD, fchownat, lsetxattr, makedev, mknodat } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore, mountOverlay, MountedRoot } from '../src/index.js'
import { treeOf } from './tree.js'

leakCheck()

/** `cap_net_raw+ep`, with a file's capabilities of version 2. */
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')

const S_IFIFO = 0o010_000
const S_IFCHR = 0o020_000

/** Makes one of every kind of file, with all that an archive keeps of them. */
function makeLower(root: string): void {
  const at = (name: string): string => join(root, name)
  for (const folder of ['kept', 'hidden', 'hidden/deep', 'replaced', 'opaque'])
    mkdirSync(at(folder), { mode: 0o750 })
  writeFileSync(at('kept/file'), 'kept\n', { mode: 0o4755 })
  linkSync(at('kept/file'), at('kept/link'))
  symlinkSync('/nowhere/at/all', at('kept/symlink'))
  mknodat(AT_FDCWD, at('kept/fifo'), S_IFIFO | 0o640)
  mknodat(AT_FDCWD, at('kept/device'), S_IFCHR | 0o600, makedev(1, 3))
  writeFileSync(at('kept/attributes'), 'x')
  lsetxattr(at('kept/attributes'), 'user.name', Buffer.from('value\0with a zero'))
  writeFileSync(at('kept/capable'), 'x', { mode: 0o755 })
  fchownat(AT_FDCWD, at('kept/capable'), 1000, 44)
  lsetxattr(at('kept/capable'), 'security.capability', capability)
  writeFileSync(at(`kept/${'n'.repeat(180)}`), 'a long name')
  writeFileSync(at('hidden/deep/file'), 'goes')
  writeFileSync(at('replaced/file'), 'goes with its folder')
  writeFileSync(at('opaque/below'), 'goes')
  writeFileSync(at('single'), 'goes')
  // nanoseconds that a number of seconds cannot hold
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789', at('kept/file')])
  lutimesSync(at('kept/symlink'), 1, 2)
  utimesSync(at('kept'), 1, 3)
}

/** What a layer on top of {@link makeLower} takes away and puts there. */
function makeUpper(root: string): void {
  const at = (name: string): string => join(root, name)
  mkdirSync(at('opaque'))
  writeFileSync(at('.wh.hidden'), '')
  writeFileSync(at('.wh.single'), '')
  writeFileSync(at('opaque/.wh..wh..opq'), '')
  writeFileSync(at('opaque/above'), 'stays')
  writeFileSync(at('replaced'), 'a file now')
  mkdirSync(at('single-folder'))
  utimesSync(at('opaque'), 5, 6)
}

function pack(tree: string, archive: string): void {
  const names = execFileSync('ls', ['-A', tree], { encoding: 'utf8' }).trim().split('\n')
  const flags = ['--format=posix', '--numeric-owner', '--xattrs', '--xattrs-include=*']
  execFileSync('tar', [...flags, '-cf', archive, '-C', tree, ...names])
}

describeOn(['root', 'overlay', 'bin:tar', 'bin:umoci'], 'The tree of an image', () => {
  it.each([1, 2])('is what umoci makes of it, with layers: %i', async (count) => {
    using folder = temporaryFolder()
    const at = (path: string): string => join(folder.path, path)
    const image = ['--image', `${at('layout')}:t`]
    const umoci = (...args: readonly string[]): Buffer => execFileSync('umoci', args, { stdio: 'pipe' })
    umoci('init', '--layout', at('layout'))
    umoci('new', ...image)
    const store = await LayerStore.open(at('store'), { durable: false })
    const layers: string[] = []
    for (const [index, make] of [makeLower, makeUpper].slice(0, count).entries()) {
      mkdirSync(at('tree'))
      make(at('tree'))
      pack(at('tree'), at(`${index}.tar`))
      rmSync(at('tree'), { recursive: true })
      umoci('raw', 'add-layer', ...image, at(`${index}.tar`))
      layers.push((await store.add(createReadStream(at(`${index}.tar`)))).diffId)
    }
    umoci('raw', 'unpack', ...image, at('theirs'))
    mkdirSync(at('ours'))
    await using _mounted = MountedRoot.attach(mountOverlay(store.view(layers)), at('ours'))
    // the root is in neither archive
    const [ours, theirs] = [at('ours'), at('theirs')].map((path) => treeOf(path).slice(1))
    expect(ours).toEqual(theirs)
    expect(ours!.length).toBeGreaterThan(10)
  })
})
