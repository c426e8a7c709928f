import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { expect, it } from '@jest/globals'
import { AT_FDCWD, mknodat } from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { makeFolderInside, packInside, statInside, unpackInside } from '../src/index.js'
import { namesIn, tarOf, type RawEntry } from './tar-builder.js'

leakCheck()

/** A tree with one file of each kind, and a file outside of it. */
function tree(): Disposable & { readonly root: string; readonly outside: string } {
  const folder = temporaryFolder()
  const root = join(folder.path, 'root')
  const outside = join(folder.path, 'outside')
  mkdirSync(join(root, 'd/sub'), { recursive: true })
  mkdirSync(join(root, 'etc'))
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'of the host')
  writeFileSync(join(root, 'etc/secret'), 'inside')
  writeFileSync(join(root, 'd/f'), 'hi')
  chownSync(join(root, 'd/f'), 7, 8)
  chmodSync(join(root, 'd/f'), 0o4711)
  linkSync(join(root, 'd/f'), join(root, 'd/hard'))
  symlinkSync('/etc/secret', join(root, 'd/absolute'))
  symlinkSync('../../../../etc/secret', join(root, 'd/climbing'))
  symlinkSync('sub', join(root, 'd/lsub'))
  symlinkSync('loop', join(root, 'd/loop'))
  symlinkSync('/nowhere/at/all', join(root, 'd/dangling'))
  return { root, outside, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

const packed = async (root: string, path: string): Promise<string[]> =>
  namesIn(await buffer(packInside(root, path).tar))

const unpack = async (
  root: string,
  path: string,
  entries: readonly RawEntry[],
  options: Parameters<typeof unpackInside>[3] = {},
): Promise<void> => unpackInside(Readable.from([tarOf(...entries)]), root, path, options)

describeOn(['root'], 'statInside() and packInside()', () => {
  it('tell what is there, and where links lead', () => {
    using at = tree()
    expect(statInside(at.root, '/d/f')).toMatchObject({ name: 'f', size: 2, mode: 0o104711 })
    expect(statInside(at.root, 'd/absolute')).toMatchObject({ name: 'absolute', linkTarget: '/etc/secret' })
    expect(statInside(at.root, '/d/climbing').linkTarget).toBe('/etc/secret')
    expect(statInside(at.root, '/d/dangling').linkTarget).toBe('/nowhere/at/all')
    expect(statInside(at.root, '/d/lsub/')).toMatchObject({ name: 'lsub', linkTarget: undefined })
    expect(statInside(at.root, '/d/lsub/').mode & 0o170000).toBe(0o040000)
    expect(statInside(at.root, '/').name).toBe('/')
    expect(statInside(at.root, '.').name).toBe('.')
  })

  it('refuse what is not there, in the words of what is wrong', () => {
    using at = tree()
    const failure = (path: string): unknown => {
      try {
        statInside(at.root, path)
        return undefined
      } catch (error) {
        return (error as { readonly code: string }).code
      }
    }
    expect(failure('/nope')).toBe('ERR_OVERLAY_NOT_FOUND')
    expect(failure('/d/f/')).toBe('ERR_OVERLAY_INVALID_ARG')
    expect(failure('/d/f/x')).toBe('ERR_OVERLAY_INVALID_ARG')
    expect(failure('/d/loop')).toBe('ERR_OVERLAY_INVALID_ARG')
    expect(failure('')).toBe('ERR_OVERLAY_INVALID_ARG')
    expect(failure('/d\0/f')).toBe('ERR_OVERLAY_INVALID_ARG')
  })

  it('names entries after the path, as Docker does', async () => {
    using at = tree()
    expect(await packed(at.root, '/d/f')).toEqual(['f'])
    expect(await packed(at.root, '/d/lsub')).toEqual(['lsub -> sub'])
    expect(await packed(at.root, '/d/lsub/')).toEqual(['lsub/'])
    expect(await packed(at.root, '/etc/.')).toEqual(['./', './secret'])
    expect((await packed(at.root, '/')).slice(0, 3)).toEqual(['/', '/d/', '/d/absolute -> /etc/secret'])
    const d = await packed(at.root, '/d')
    expect(d[0]).toBe('d/')
    expect(d).toContain('d/hard link to d/f')
    expect(d).toContain('d/climbing -> ../../../../etc/secret')
  })

  it('packs links of /proc as links and does not go through them', () => {
    expect(() => packInside('/', '/proc/self/root/etc/passwd')).toThrow(/too many links/)
  })

  it('never opens fifos and devices', async () => {
    using at = tree()
    mknodat(AT_FDCWD, join(at.root, 'd/sub/fifo'), 0o010644)
    expect(await packed(at.root, '/d/sub')).toEqual(['sub/', 'sub/fifo'])
    expect(await packed(at.root, '/d/sub/fifo')).toEqual(['fifo'])
  })
})

describeOn(['root'], 'unpackInside()', () => {
  it('puts files among others, with owners, modes and times of the archive', async () => {
    using at = tree()
    chmodSync(join(at.root, 'd/sub'), 0o2755) // hands down its group
    chownSync(join(at.root, 'd/sub'), 0, 99)
    await unpack(at.root, '/d/lsub', [
      { name: './', type: '5', mode: 0o700, uid: 1, gid: 1 },
      { name: 'x', content: 'new', uid: 1234, gid: 4321, mode: 0o4755, mtime: 1000 },
      { name: 'plain', content: 'root' },
      { name: 'implied/deep', content: '' },
      { name: 'link', type: '2', target: '/etc' },
      { name: 'again', type: '1', target: 'x' },
      { name: '.wh.kept', content: 'no whiteout' },
    ])
    const sub = join(at.root, 'd/sub')
    expect(statSync(sub)).toMatchObject({ mode: 0o042755, gid: 99 }) // its own
    expect(lstatSync(join(sub, 'x'))).toMatchObject({ uid: 1234, gid: 4321, mode: 0o104755, mtimeMs: 1e6 })
    expect(lstatSync(join(sub, 'plain'))).toMatchObject({ uid: 0, gid: 0 })
    expect(lstatSync(join(sub, 'implied')).mode & 0o777).toBe(0o755)
    expect(lstatSync(join(sub, 'implied')).mtimeMs).toBeGreaterThan(1e12)
    expect(readlinkSync(join(sub, 'link'))).toBe('/etc')
    expect(lstatSync(join(sub, 'again')).ino).toBe(lstatSync(join(sub, 'x')).ino)
    expect(readFileSync(join(sub, '.wh.kept'), 'utf8')).toBe('no whiteout')
  })

  it('takes compressed archives, an owner for all, and nothing', async () => {
    using at = tree()
    const archive = gzipSync(tarOf({ name: 'x', content: 'new', uid: 5, gid: 6 }))
    await unpackInside(Readable.from([archive]), at.root, '/d', { owner: { uid: 10, gid: 11 } })
    expect(lstatSync(join(at.root, 'd/x'))).toMatchObject({ uid: 10, gid: 11 })
    await unpackInside(Readable.from([]), at.root, '/d')
  })

  it('calls the top of an archive something else, and packs what is of one owner', async () => {
    using at = tree()
    const owner = { uid: 12, gid: 3_000_000 }
    const { tar } = packInside(at.root, '/d', { owner })
    await unpackInside(tar, at.root, '/etc', { top: 'new' })
    const copy = (name: string): string => join(at.root, 'etc/new', name)
    expect(lstatSync(copy('f'))).toMatchObject({ ...owner, mode: 0o104711 })
    expect(lstatSync(copy('sub'))).toMatchObject(owner)
    expect(lstatSync(copy('hard')).ino).toBe(lstatSync(copy('f')).ino)
    expect(readlinkSync(copy('climbing'))).toBe('../../../../etc/secret')
    await unpackInside(packInside(at.root, '/d/f', { owner }).tar, at.root, '/', { top: 'file' })
    expect(lstatSync(join(at.root, 'file'))).toMatchObject({ ...owner, size: 2 })
    await unpackInside(packInside(at.root, '/etc/new/.').tar, at.root, '/', { top: 'content' })
    expect(lstatSync(join(at.root, 'content/hard')).nlink).toBe(2)
    await unpackInside(packInside(join(at.root, 'content'), '/').tar, at.root, '/', { top: 'root' })
    expect(lstatSync(join(at.root, 'root/hard')).nlink).toBe(2)
    for (const top of ['', '.', '..', 'a/b'])
      await expect(unpack(at.root, '/', [{ name: 'x' }], { top })).rejects.toMatchObject({
        code: 'ERR_OVERLAY_INVALID_ARG',
      })
    await unpack(at.root, '/etc', [{ name: 'x/../../evil', content: 'x' }], { top: 'y' }).catch(
      () => undefined,
    )
    expect(existsSync(join(at.root, 'evil'))).toBe(false)
  })

  it('replaces other kinds, unless told not to', async () => {
    using at = tree()
    const file: RawEntry = { name: 'sub', content: 'file' }
    const folder: RawEntry = { name: 'f/', type: '5', mode: 0o755 }
    const keepsKinds = true
    await expect(unpack(at.root, '/d', [file], { keepsKinds })).rejects.toThrow(
      'cannot overwrite directory sub with non-directory',
    )
    await expect(unpack(at.root, '/d', [folder], { keepsKinds })).rejects.toThrow(
      'cannot overwrite non-directory f with directory',
    )
    await unpack(at.root, '/d', [file, folder])
    expect(lstatSync(join(at.root, 'd/sub')).isFile()).toBe(true)
    expect(lstatSync(join(at.root, 'd/f')).isDirectory()).toBe(true)
  })

  it('refuses places that are none', async () => {
    using at = tree()
    const code = (path: string): Promise<unknown> =>
      unpack(at.root, path, [{ name: 'x' }]).then(
        () => undefined,
        (error: unknown) => (error as { readonly code?: unknown }).code,
      )
    expect(await code('/nope')).toBe('ERR_OVERLAY_NOT_FOUND')
    expect(await code('/d/dangling')).toBe('ERR_OVERLAY_NOT_FOUND')
    expect(await code('/d/f')).toBe('ERR_OVERLAY_INVALID_ARG')
    expect(await code('/d/loop')).toBe('ERR_OVERLAY_INVALID_ARG')
  })

  it('writes nothing outside, whatever names and links say', async () => {
    using at = tree()
    const hostile: readonly (readonly RawEntry[])[] = [
      [{ name: '../evil', content: 'x' }],
      [{ name: 'a/../../evil', content: 'x' }],
      [
        { name: 'l', type: '2', target: at.outside },
        { name: 'l/evil', content: 'x' },
      ],
      [
        { name: 'm', type: '2', target: '../../../outside' },
        { name: 'm/evil', content: 'x' },
      ],
      [
        { name: 'n', type: '2', target: '/proc/self/root' },
        { name: 'n/evil', content: 'x' },
      ],
      [{ name: 'h', type: '1', target: '../../outside/secret' }],
      [{ name: 'p', type: '1', target: join(at.outside, 'secret') }],
      [{ name: 'zero', type: '3', major: 0, minor: 0 }],
    ]
    for (const entries of hostile) await unpack(at.root, '/d', entries).catch(() => undefined)
    expect(readdirSync(at.outside)).toEqual(['secret'])
    expect(existsSync(join(at.outside, '..', 'evil'))).toBe(false)
    expect(lstatSync(join(at.outside, 'secret')).nlink).toBe(1)
    expect(existsSync(join(at.root, 'd/h'))).toBe(false)
    expect(existsSync(join(at.root, 'd/p'))).toBe(false)
    expect(existsSync(join(at.root, 'd/zero'))).toBe(false)
  })

  it('stays within its limits', async () => {
    using at = tree()
    const many = Array.from({ length: 20 }, (_, n): RawEntry => ({ name: `n${n}` }))
    await expect(unpack(at.root, '/d', many, { limits: { entries: 10 } })).rejects.toMatchObject({
      code: 'ERR_OVERLAY_LIMIT',
    })
    const large: RawEntry = { name: 'large', content: 'x'.repeat(10_000) }
    await expect(unpack(at.root, '/d', [large], { limits: { bytes: 5000 } })).rejects.toMatchObject({
      code: 'ERR_OVERLAY_LIMIT',
    })
  })
})

describeOn(['root'], 'makeFolderInside()', () => {
  it('makes what is missing, and nothing outside', () => {
    using at = tree()
    symlinkSync(at.outside, join(at.root, 'd/out'))
    makeFolderInside(at.root, '/d/new/deep')
    expect(statSync(join(at.root, 'd/new/deep')).isDirectory()).toBe(true)
    makeFolderInside(at.root, '/d/out/new')
    expect(readdirSync(at.outside)).toEqual(['secret'])
    expect(() => {
      makeFolderInside(at.root, '/d/f/x')
    }).toThrow(/no folder/)
  })
})
