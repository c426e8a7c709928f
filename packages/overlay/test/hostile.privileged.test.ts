import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, it } from '@jest/globals'
import { llistxattr } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder, zstdFrame } from '@ctr/testing'
import { LayerStore, type LayerLimits } from '../src/index.js'
import { entryBlocks, tarOf, type RawEntry } from './tar-builder.js'
import { treeOf } from './tree.js'

leakCheck()

interface Outcome {
  /** Code of the error, or `'unpacked'`. */
  readonly result: string
  readonly message: string
  /** The tree of the layer, when it was unpacked. */
  readonly tree: readonly string[]
}

/** Adds a layer to a store that stands beside files of its own, and checks that these are left alone. */
async function attack(
  archive: Buffer | ((outside: string) => Buffer),
  limits: Partial<LayerLimits> = {},
): Promise<Outcome> {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'outside'))
  writeFileSync(join(folder.path, 'outside/victim'), 'untouched', { mode: 0o600 })
  const before = treeOf(join(folder.path, 'outside'))
  const etc = readdirSync('/etc').length
  const store = await LayerStore.open(join(folder.path, 'store'), { limits, durable: false })
  let outcome: Outcome
  try {
    const bytes = typeof archive === 'function' ? archive(join(folder.path, 'outside')) : archive
    const layer = await store.add(Readable.from([bytes]))
    outcome = { result: 'unpacked', message: '', tree: treeOf(layer.path).map((line) => line.split(' ')[0]!) }
  } catch (error) {
    const { code, message } = error as Error & { code: string }
    outcome = { result: code, message, tree: [] }
    expect(await store.list()).toEqual([])
  }
  expect(readdirSync(join(folder.path, 'store/temporary'))).toEqual([])
  expect(treeOf(join(folder.path, 'outside'))).toEqual(before)
  expect(readdirSync(folder.path).sort()).toEqual(['outside', 'store'])
  expect(readdirSync('/etc')).toHaveLength(etc)
  return outcome
}

const REFUSED = 'ERR_OVERLAY_ARCHIVE'

const sparse = (map: string, size: string): Record<string, string> => ({
  'GNU.sparse.map': map,
  'GNU.sparse.size': size,
})

describeOn(['root', 'overlay'], 'LayerStore.add() of hostile archives', () => {
  it.each<[string, readonly RawEntry[]]>([
    ['a name with ..', [{ name: '../outside/victim', content: 'x' }]],
    ['a name that goes up on its way', [{ name: 'a/../../outside/victim', content: 'x' }]],
    ['a PAX name with ..', [{ name: 'a', content: 'x', pax: { path: '../../../../outside/victim' } }]],
    ['a folder named ..', [{ name: '..', type: '5', mode: 0 }]],
    ['a sibling with the same prefix', [{ name: '../diff-other/x', content: 'x' }]],
    ['a hard link upwards', [{ name: 'a', type: '1', target: '../../../../../outside/victim' }]],
    [
      'a hard link to a folder',
      [
        { name: 'd/', type: '5' },
        { name: 'a', type: '1', target: 'd' },
      ],
    ],
    ['a hard link to what is not there', [{ name: 'a', type: '1', target: 'b' }]],
    [
      'a hard link to itself',
      [
        { name: 'a', content: '' },
        { name: 'a', type: '1', target: './a' },
      ],
    ],
    ['a hard link to a whiteout', [{ name: '.wh.x' }, { name: 'a', type: '1', target: '.wh.x' }]],
    ['a hard link to an absolute name', [{ name: 'a', type: '1', target: '/etc/passwd' }]],
    [
      'a hard link by way of a link',
      [
        { name: 'l', type: '2', target: '/etc' },
        { name: 'a', type: '1', target: 'l/passwd' },
      ],
    ],
    [
      'a file on the way of a name',
      [
        { name: 'a', content: '' },
        { name: 'a/b', content: '' },
      ],
    ],
    [
      'a link to itself on the way of a name',
      [
        { name: 'a', type: '2', target: 'a' },
        { name: 'a/b', content: '' },
      ],
    ],
    [
      'links in circles on the way of a name',
      [
        { name: 'a', type: '2', target: 'b' },
        { name: 'b', type: '2', target: 'a' },
        { name: 'a/x', content: '' },
      ],
    ],
    ['a link to nothing', [{ name: 'a', type: '2', target: '' }]],
    ['a root that is a file', [{ name: './', type: '0', content: 'x', pax: { path: '.' } }]],
    ['a root that is a link', [{ name: '.', type: '2', target: '/etc' }]],
    ['a whiteout of the root', [{ name: '.wh..' }]],
    ['a whiteout of what is above', [{ name: 'a/.wh...' }]],
    ['a whiteout of nothing', [{ name: '.wh.' }]],
    ['a device that is a whiteout', [{ name: 'etc', type: '3' }]],
    [
      'an attribute that redirects',
      [{ name: 'd', type: '5', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } }],
    ],
    [
      'an attribute for unprivileged overlays',
      [{ name: 'd', pax: { 'SCHILY.xattr.user.overlay.opaque': 'y' } }],
    ],
    ['an attribute of the host', [{ name: 'd', pax: { 'SCHILY.xattr.trusted.md5sum': 'x' } }]],
    ['a major device number out of range', [{ name: 'd', type: '4', major: 0x1000, minor: 0 }]],
    ['a minor device number out of range', [{ name: 'd', type: '3', major: 1, minor: 0x100000 }]],
    ['a negative owner', [{ name: 'a', pax: { uid: '-1' } }]],
    ['an owner that means none', [{ name: 'a', pax: { gid: '4294967295' } }]],
    ['a size that is negative', [{ name: 'a', pax: { size: '-1' } }]],
    ['a sparse map that lies about the size', [{ name: 'a', content: 'abc', pax: sparse('5,3', '7') }]],
    ['a sparse map with more than there is', [{ name: 'a', content: 'abc', pax: sparse('5,300', '900') }]],
    ['a sparse map that goes back', [{ name: 'a', content: 'abcd', pax: sparse('5,3,1,1', '9') }]],
    ['NUL in a name', [{ name: 'a', pax: { path: 'a\0b' } }]],
    ['NUL in a target', [{ name: 'a', type: '2', target: 'x', pax: { linkpath: 'a\0b' } }]],
  ])('refuses %s', async (_, entries) => {
    // with something before and after it, so that there is something to leave behind
    const outcome = await attack(tarOf({ name: 'first/file', content: 'x' }, ...entries, { name: 'last' }))
    expect(outcome).toMatchObject({ result: REFUSED })
  })

  it.each<[string, readonly RawEntry[], readonly string[]]>([
    ['an absolute name', [{ name: '/etc/x' }], ['.', 'etc', 'etc/x']],
    [
      'a write through a link to outside',
      [
        { name: 'l', type: '2', target: '/etc' },
        { name: 'l/ctr-was-here', content: 'x' },
      ],
      ['.', 'etc', 'etc/ctr-was-here', 'l'],
    ],
    [
      'a write through a link that goes up',
      [
        { name: 'l', type: '2', target: '../../../../../../../etc' },
        { name: 'l/ctr-was-here', content: 'x' },
      ],
      ['.', 'etc', 'etc/ctr-was-here', 'l'],
    ],
    [
      'a write over a link to outside',
      [
        { name: 'l', type: '2', target: '/etc/ctr-was-here' },
        { name: 'l', content: 'x' },
      ],
      ['.', 'l'],
    ],
    [
      'a folder over a link to outside',
      [{ name: 'l', type: '2', target: '/etc' }, { name: 'l/', type: '5', mode: 0 }, { name: 'l/x' }],
      ['.', 'l', 'l/x'],
    ],
    [
      'a folder whose mode is told before it becomes a link',
      [
        { name: 'd/', type: '5', mode: 0o777 },
        { name: 'd', type: '2', target: '/etc' },
      ],
      ['.', 'd'],
    ],
    [
      'a hard link to a link, then a write to it',
      [
        { name: 'l', type: '2', target: '/etc/passwd' },
        { name: 'h', type: '1', target: 'l' },
        { name: 'h', content: 'x', mode: 0o777 },
      ],
      ['.', 'h', 'l'],
    ],
    [
      'a whiteout through a link',
      [{ name: 'l', type: '2', target: '/etc' }, { name: 'l/.wh.passwd' }, { name: 'l/.wh..wh..opq' }],
      ['.', 'etc', 'etc/passwd', 'l'],
    ],
  ])('keeps %s inside', async (_, entries, tree) => {
    const outcome = await attack(tarOf(...entries))
    expect(outcome).toMatchObject({ result: 'unpacked', tree })
  })

  it('changes nothing outside by way of links, whatever they are called', async () => {
    const entries = (outside: string): RawEntry[] => [
      { name: 'l', type: '2', target: outside },
      { name: 'f', type: '2', target: `${outside}/victim` },
      // hard links to links are links: what is told of them is told of nothing else
      { name: 'h', type: '1', target: 'f', mode: 0o4777, uid: 1, mtime: 5 },
      { name: `${outside}/victim`, content: 'overwritten', mode: 0o777 },
      { name: 'l/victim', content: 'overwritten', mode: 0o777 },
      { name: 'l/', type: '5', mode: 0o777 },
      { name: 'l/.wh.victim' },
      { name: 'l/.wh..wh..opq' },
      { name: 'f', type: '6', mode: 0o777 },
    ]
    const outcome = await attack((outside) => tarOf(...entries(outside)))
    expect(outcome).toMatchObject({ result: 'unpacked' })
    expect(outcome.tree).toEqual(expect.arrayContaining(['f', 'h', 'l']))
    const linked = await attack((outside) =>
      tarOf(
        { name: 'l', type: '2', target: outside },
        { name: 'h', type: '1', target: 'l/victim', mode: 0o777 },
      ),
    )
    expect(linked).toMatchObject({ result: REFUSED })
  })

  it('takes opaque marks mixed with content as about lower layers alone', async () => {
    const outcome = await attack(
      tarOf(
        { name: 'd/a' },
        { name: 'd/.wh..wh..opq' },
        { name: 'd/b' },
        { name: 'd/.wh.a' },
        { name: '.wh.d' },
        { name: '.wh..wh..opq' },
        { name: 'e/.wh.gone' },
        { name: 'e/f' },
        { name: 'e/.wh..wh.aufs', content: 'x' },
      ),
    )
    expect(outcome).toMatchObject({ result: 'unpacked', tree: ['.', 'd', 'd/a', 'd/b', 'e', 'e/f'] })
  })

  it('leaves out labels and lists of the host', async () => {
    const labels = Object.fromEntries(
      ['security.selinux', 'security.ima', 'system.nfs4_acl', 'user.'].map((name) => [
        `SCHILY.xattr.${name}`,
        'x',
      ]),
    )
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const layer = await store.add(
      Readable.from([tarOf({ name: 'a', pax: { ...labels, 'SCHILY.acl.access': '?' } })]),
    )
    expect(llistxattr(join(layer.path, 'a'))).toEqual([])
  })

  it('refuses data that is cut, and hashes what trails without reading it', async () => {
    const tar = tarOf({ name: 'a', content: 'x'.repeat(3000) })
    const gzip = gzipSync(tar)
    for (const cut of [700, 1536, 3000]) {
      expect(await attack(tar.subarray(0, cut))).toMatchObject({ result: REFUSED })
    }
    for (const cut of [5, 30, gzip.length - 4]) {
      expect(await attack(gzip.subarray(0, cut))).toMatchObject({ result: 'ERR_OVERLAY_COMPRESSION' })
    }
    const trailing = Buffer.concat([tar, tarOf({ name: 'hidden', content: 'x' })])
    for (const bytes of [
      trailing,
      gzipSync(trailing),
      Buffer.concat([gzip, gzipSync(tarOf({ name: 'hidden' }))]),
    ]) {
      expect(await attack(bytes)).toMatchObject({ result: 'unpacked', tree: ['.', 'a'] })
    }
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const { diffId } = await store.add(Readable.from([gzipSync(trailing)]))
    expect(diffId).toBe(`sha256:${createHash('sha256').update(trailing).digest('hex')}`)
  })

  it('refuses bombs by the ratio of their compression, before they fill the disk', async () => {
    const zeros = Buffer.alloc(90 * 2 ** 20)
    const bomb = tarOf({ name: 'zeros', content: zeros })
    expect(await attack(gzipSync(bomb))).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
    expect((await attack(gzipSync(bomb))).message).toMatch(
      /\d+ compressed bytes become more than \d+, 250 for one/,
    )
    expect(await attack(gzipSync(bomb), { ratio: 2000 })).toMatchObject({ result: 'unpacked' })
    // plain, and small ones
    expect(await attack(bomb)).toMatchObject({ result: 'unpacked' })
    expect(await attack(gzipSync(bomb.subarray(0, 40 * 2 ** 20)))).toMatchObject({ result: REFUSED })
    const larger = tarOf({ name: 'zeros', content: Buffer.alloc(130 * 2 ** 20) })
    expect(await attack(zstdFrame(larger))).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
    expect(await attack(zstdFrame(tarOf({ name: 'a' })).subarray(0, -3))).toMatchObject({
      result: 'ERR_OVERLAY_COMPRESSION',
    })
  })

  it('counts the holes of sparse files as bytes', async () => {
    const holes = tarOf({ name: 'a', content: '', pax: sparse('', String(2 ** 40)) })
    expect(await attack(holes)).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
  })

  it('refuses PAX headers and GNU names without end', async () => {
    const huge = entryBlocks({ name: 'x', type: 'x', content: Buffer.alloc(9 * 2 ** 20, 'x') })
    expect(await attack(huge)).toMatchObject({ result: REFUSED })
    const long = entryBlocks({ name: 'x', type: 'L', content: Buffer.alloc(2 ** 17, 'x') })
    expect(await attack(long)).toMatchObject({ result: REFUSED })
  })

  it('refuses a bomb of bytes, compressed and by a size that lies', async () => {
    const bomb = gzipSync(tarOf({ name: 'zeros', content: Buffer.alloc(20 * 2 ** 20) }))
    expect(bomb.length).toBeLessThan(50_000)
    expect(await attack(bomb, { bytes: 2 ** 20 })).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
    const lie = entryBlocks({ name: 'x', content: 'x', pax: { size: '9007199254740991' } })
    expect(await attack(lie)).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
    const short = entryBlocks({ name: 'x', content: 'x', pax: { size: '5000000' } })
    expect(await attack(short)).toMatchObject({ result: REFUSED })
  })

  it('refuses too many entries, implied folders among them', async () => {
    const files = Array.from({ length: 20 }, (_, index) => ({ name: `f${index}` }))
    expect(await attack(tarOf(...files), { entries: 19 })).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
    expect(await attack(tarOf({ name: 'a/b/c/d' }), { entries: 3 })).toMatchObject({
      result: 'ERR_OVERLAY_LIMIT',
    })
  })

  it('refuses paths that are too long or too deep', async () => {
    const deep = tarOf({ name: 'x', pax: { path: 'd/'.repeat(1500) } })
    expect(await attack(deep)).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
    const long = tarOf({ name: 'x', pax: { path: `${'x'.repeat(200)}/`.repeat(25) } })
    expect(await attack(long)).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
    const far = tarOf({ name: 'x', type: '2', target: 'a', pax: { linkpath: 'x'.repeat(5000) } })
    expect(await attack(far)).toMatchObject({ result: 'ERR_OVERLAY_LIMIT' })
  })

  it('does not follow links that /proc would resolve', async () => {
    const outcome = await attack(
      tarOf(
        { name: 'proc', type: '2', target: '/proc/self/root' },
        { name: 'proc/etc/ctr-was-here', content: '' },
      ),
    )
    expect(lstatSync('/etc').isDirectory()).toBe(true)
    // the link names itself: proc -> /proc/self/root -> /proc/...
    expect(outcome.result).toBe(REFUSED)
  })

  it('shows names in messages so that they cannot paint a terminal', async () => {
    const { message } = await attack(tarOf({ name: '../\x1b[2J\n' }))
    expect(message).toContain('\\u001b[2J\\n')
    expect(message).not.toContain('\x1b')
  })

  it('makes setuid files only where nobody but root comes', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const layer = await store.add(Readable.from([tarOf({ name: 'su', mode: 0o4755, content: 'x' })]))
    expect(lstatSync(join(layer.path, 'su')).mode & 0o7777).toBe(0o4755)
    for (const path of ['layers', 'roots', 'temporary', 'empty', 'layers/sha256']) {
      expect(lstatSync(join(store.folder, path)).mode & 0o7777).toBe(0o700)
    }
    expect(readFileSync(join(layer.path, 'su'), 'utf8')).toBe('x')
  })
})
