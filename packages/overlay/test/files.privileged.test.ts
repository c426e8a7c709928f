import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import {
  AT_FDCWD,
  closeFd,
  makedev,
  mknodat,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  S_IFCHR,
  S_IFIFO,
  syscall,
} from '@ctr/linux'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { readFileIn, removeTree } from '../src/index.js'

leakCheck()

describeOn(['root'], 'removeTree()', () => {
  it('removes trees that are deeper than any path', async () => {
    using folder = temporaryFolder()
    const top = join(folder.path, 'top')
    mkdirSync(top)
    let fd = syscall('openat', AT_FDCWD, top, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    for (let level = 0; level < 1000; level++) {
      syscall('mkdirat', fd, 'folder', 0o700)
      mknodat(fd, 'file', 0o100600)
      mknodat(fd, '.removed-0-0', 0o100600)
      const next = syscall('openat', fd, 'folder', O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
      closeFd(fd)
      fd = next
    }
    closeFd(fd)
    await removeTree(top)
    expect(existsSync(top)).toBe(false)
  })

  it('removes wide trees, foreign names, links and devices, and follows nothing', async () => {
    using folder = temporaryFolder()
    const at = (path: string): string => join(folder.path, path)
    mkdirSync(at('kept'))
    writeFileSync(at('kept/file'), '')
    mkdirSync(at('top/wide'), { recursive: true })
    for (let index = 0; index < 3000; index++) writeFileSync(at(`top/wide/${index}`), '')
    for (let index = 0; index < 300; index++) mkdirSync(at(`top/wide/d${index}/e/f`), { recursive: true })
    writeFileSync(Buffer.concat([Buffer.from(at('top/')), Buffer.from([0xff, 0xfe])]), '')
    symlinkSync(at('kept'), at('top/link'))
    mknodat(AT_FDCWD, at('top/null'), S_IFCHR + 0o666, makedev(1, 3))
    await removeTree(at('top'))
    await removeTree(at('top'))
    await removeTree(at('top/not/there'))
    expect(existsSync(at('top'))).toBe(false)
    expect(existsSync(at('kept/file'))).toBe(true)
    symlinkSync(at('kept'), at('link'))
    await removeTree(at('link'))
    expect(existsSync(at('kept/file'))).toBe(true)
  })
})

describeOn(['root'], 'readFileIn()', () => {
  it('reads within the root, wherever links point', async () => {
    using folder = temporaryFolder()
    const root = join(folder.path, 'root')
    mkdirSync(join(root, 'etc'), { recursive: true })
    writeFileSync(join(folder.path, 'passwd'), 'of the host')
    writeFileSync(join(root, 'etc/passwd'), 'of the container')
    writeFileSync(join(root, 'passwd'), 'of the container')
    symlinkSync('/etc/passwd', join(root, 'absolute'))
    symlinkSync('../../../../passwd', join(root, 'upwards'))
    symlinkSync('/etc', join(root, 'folder'))
    for (const path of [
      'etc/passwd',
      '/etc/passwd',
      'absolute',
      'upwards',
      'folder/passwd',
      '../../passwd',
    ]) {
      expect((await readFileIn(root, path)).toString()).toBe('of the container')
    }
  })

  it('refuses what is no regular file, without opening it', async () => {
    using folder = temporaryFolder()
    mknodat(AT_FDCWD, join(folder.path, 'fifo'), S_IFIFO + 0o600)
    mkdirSync(join(folder.path, 'folder'))
    symlinkSync('circle', join(folder.path, 'circle'))
    await expect(readFileIn(folder.path, 'fifo')).rejects.toMatchObject({ code: 'ERR_OVERLAY_INVALID_ARG' })
    await expect(readFileIn(folder.path, 'folder')).rejects.toMatchObject({ code: 'ERR_OVERLAY_INVALID_ARG' })
    await expect(readFileIn(folder.path, 'none')).rejects.toMatchObject({ code: 'ERR_OVERLAY_NOT_FOUND' })
    await expect(readFileIn(folder.path, 'fifo/x')).rejects.toMatchObject({ code: 'ERR_OVERLAY_IO' })
    await expect(readFileIn(folder.path, 'circle')).rejects.toMatchObject({ code: 'ERR_OVERLAY_IO' })
    await expect(readFileIn('/', '/proc/self/root/etc/passwd')).rejects.toMatchObject({
      code: 'ERR_OVERLAY_IO',
    })
  })

  it('reads what has no size, and refuses what is too long', async () => {
    using folder = temporaryFolder()
    expect((await readFileIn('/', '/proc/self/status')).toString()).toMatch(/^Name:/)
    writeFileSync(join(folder.path, 'file'), Buffer.alloc(20_000, 'x'))
    expect(await readFileIn(folder.path, 'file', { maxBytes: 20_000 })).toHaveLength(20_000)
    const tooLong = readFileIn(folder.path, 'file', { maxBytes: 19_999 })
    await expect(tooLong).rejects.toMatchObject({ code: 'ERR_OVERLAY_LIMIT' })
  })
})
