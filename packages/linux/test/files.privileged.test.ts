import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  F_GETFD,
  fchmodat,
  fchownat,
  Fd,
  FD_CLOEXEC,
  flock,
  fsetxattr,
  lgetxattr,
  linkat,
  llistxattr,
  LOCK_EX,
  LOCK_NB,
  lsetxattr,
  makedev,
  mkdirat,
  mknodat,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  openat2,
  pipe2,
  readlinkat,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  renameat2,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFCHR,
  symlinkat,
  syscall,
  unlinkat,
  utimensat,
  XATTR_CREATE,
} from '../src/index.js'

leakCheck()

const code = (name: string): Error => expect.objectContaining({ code: name }) as unknown as Error

function openFolder(path: string): Fd {
  return new Fd(openat2(AT_FDCWD, path, { flags: O_PATH + O_DIRECTORY }))
}

describe('openat2()', () => {
  it('does not lead out of the root that it was given', () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, 'etc'))
    writeFileSync(join(folder.path, 'etc/passwd'), 'inside')
    symlinkSync('/etc/passwd', join(folder.path, 'absolute'))
    symlinkSync('../../../../../../etc/passwd', join(folder.path, 'upwards'))
    using root = openFolder(folder.path)
    for (const path of ['absolute', 'upwards', '/../../etc/passwd', '/etc/passwd']) {
      using file = new Fd(openat2(root.number, path, { flags: O_RDONLY, resolve: RESOLVE_IN_ROOT }))
      expect(readFileSync(file.number, 'utf8')).toBe('inside')
    }
  })

  it('refuses what leads out, links and magic links, where they are forbidden', () => {
    using folder = temporaryFolder()
    symlinkSync('/etc/passwd', join(folder.path, 'absolute'))
    symlinkSync('..', join(folder.path, 'up'))
    using root = openFolder(folder.path)
    const open = (path: string, resolve: number) => (): number =>
      openat2(root.number, path, { flags: O_PATH, resolve })
    expect(open('absolute', RESOLVE_BENEATH)).toThrow(code('EXDEV'))
    expect(open('up/up', RESOLVE_BENEATH)).toThrow(code('EXDEV'))
    expect(open('absolute', RESOLVE_NO_SYMLINKS)).toThrow(code('ELOOP'))
    expect(open('/proc/self/root', RESOLVE_NO_MAGICLINKS)).toThrow(code('ELOOP'))
    expect(open('missing', RESOLVE_IN_ROOT)).toThrow(
      `openat2(${root.number}, "missing", {flags: O_RDONLY|O_CLOEXEC|O_PATH, resolve: RESOLVE_IN_ROOT}, 24): ENOENT`,
    )
  })

  it('opens folders only, follows no link, and makes files, as its flags say', () => {
    using folder = temporaryFolder()
    symlinkSync('target', join(folder.path, 'link'))
    using root = openFolder(folder.path)
    using file = new Fd(openat2(root.number, 'file', { flags: O_WRONLY + O_CREAT, mode: 0o600 }))
    expect(statSync(join(folder.path, 'file')).mode & 0o7777).toBe(0o600)
    expect(syscall('fcntl', file.number, F_GETFD)).toBe(FD_CLOEXEC)
    expect(() => openat2(root.number, 'file', { flags: O_PATH + O_DIRECTORY })).toThrow(code('ENOTDIR'))
    expect(() => openat2(root.number, 'link', { flags: O_RDONLY + O_NOFOLLOW })).toThrow(code('ELOOP'))
    using link = new Fd(openat2(root.number, 'link', { flags: O_PATH + O_NOFOLLOW }))
    expect(readlinkat(link.number, '')).toBe('target')
  })
})

describe('the calls that end in "at"', () => {
  it('make, link, rename and remove', () => {
    using folder = temporaryFolder()
    const inside = (name: string): string => join(folder.path, name)
    using root = openFolder(folder.path)
    const at = root.number
    mkdirat(at, 'folder', 0o711)
    expect(statSync(inside('folder')).mode & 0o777).toBe(0o711)
    writeFileSync(inside('file'), 'x')
    linkat(at, 'file', at, 'second')
    expect(statSync(inside('file')).nlink).toBe(2)
    symlinkat('file', at, 'link')
    expect(readlinkat(at, 'link')).toBe('file')
    expect(() => renameat2(at, 'link', at, 'second', RENAME_NOREPLACE)).toThrow(code('EEXIST'))
    renameat2(at, 'link', at, 'folder', RENAME_EXCHANGE)
    expect(lstatSync(inside('folder')).isSymbolicLink()).toBe(true)
    expect(() => unlinkat(at, 'link')).toThrow(code('EISDIR'))
    unlinkat(at, 'link', AT_REMOVEDIR)
    unlinkat(at, 'folder')
    fchmodat(at, 'file', 0o600)
    expect(statSync(inside('second')).mode & 0o777).toBe(0o600)
  })

  it.each([
    [-1n, -1, 999_999_999],
    [-1_500_000_000n, -2, 500_000_000],
    [0n, 0, 0],
    [1_700_000_000_123_456_789n, 1_700_000_000, 123_456_789],
  ])('utimensat() sets %p nanoseconds since 1970', (mtimeNs, seconds, nanoseconds) => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'file')
    writeFileSync(path, '')
    utimensat(AT_FDCWD, path, { atimeNs: 1n, mtimeNs })
    const { mtimeNs: found, atimeNs } = statSync(path, { bigint: true })
    expect(found).toBe(mtimeNs)
    expect(atimeNs).toBe(1n)
    expect(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)).toBe(mtimeNs)
  })

  it('utimensat() sets the times of a link itself', () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'link')
    symlinkSync('nowhere', path)
    utimensat(AT_FDCWD, path, { atimeNs: 5n, mtimeNs: 7n }, AT_SYMLINK_NOFOLLOW)
    expect(lstatSync(path, { bigint: true }).mtimeNs).toBe(7n)
  })
})

describe('makedev()', () => {
  it.each([
    [1, 3, 259],
    [8, 17, 0x811],
    [259, 0x12345, 0x12310345],
    [4095, 0xfffff, 0xffffffff],
  ])('packs %i:%i as the kernel does', (major, minor, packed) => {
    expect(makedev(major, minor)).toBe(packed)
  })
})

describe('flock()', () => {
  it('fails at once where somebody else has the lock', () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'lock'), '')
    const open = (): Fd => new Fd(openat2(AT_FDCWD, join(folder.path, 'lock'), { flags: O_RDONLY }))
    using first = open()
    using second = open()
    flock(first.number, LOCK_EX)
    expect(() => flock(second.number, LOCK_EX + LOCK_NB)).toThrow(code('EAGAIN'))
  })
})

describe('pipe2()', () => {
  it('gives the reading and the writing end', () => {
    const [read, write] = pipe2(0)
    using reading = new Fd(read)
    using writing = new Fd(write)
    const bytes = Buffer.from('through')
    syscall('write', writing.number, bytes, bytes.length)
    writing.close()
    expect(readFileSync(reading.number, 'utf8')).toBe('through')
  })
})

describeOn(['root'], 'extended attributes', () => {
  it('are set, listed and read, of links themselves too', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'file')
    const link = join(folder.path, 'link')
    writeFileSync(file, '')
    symlinkSync('file', link)
    const value = Buffer.from([0, 1, 255])
    lsetxattr(file, 'trusted.ctr', value)
    lsetxattr(link, 'trusted.link', Buffer.alloc(0))
    expect(lgetxattr(file, 'trusted.ctr')).toEqual(value)
    expect(lgetxattr(link, 'trusted.link')).toEqual(Buffer.alloc(0))
    expect(lgetxattr(file, 'trusted.link')).toBeUndefined()
    expect(llistxattr(file)).toContain('trusted.ctr')
    expect(llistxattr(link)).toContain('trusted.link')
    expect(() => lsetxattr(file, 'trusted.ctr', value, XATTR_CREATE)).toThrow(code('EEXIST'))
    using open = new Fd(openat2(AT_FDCWD, file, { flags: O_RDONLY }))
    fsetxattr(open.number, 'trusted.big', Buffer.alloc(1000, 7))
    expect(lgetxattr(file, 'trusted.big')).toEqual(Buffer.alloc(1000, 7))
  })

  it('are absent where the file system has none', () => {
    expect(lgetxattr('/proc/version', 'user.x')).toBeUndefined()
    expect(llistxattr('/proc/version')).toEqual([])
  })
})

describeOn(['root'], 'mknodat() and fchownat()', () => {
  it('make devices, and change owners where they are not -1', () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'null')
    mknodat(AT_FDCWD, path, S_IFCHR + 0o600, makedev(1, 3))
    expect(statSync(path).rdev).toBe(makedev(1, 3))
    fchownat(AT_FDCWD, path, 12, -1)
    fchownat(AT_FDCWD, path, -1, 34)
    expect(statSync(path)).toMatchObject({ uid: 12, gid: 34 })
  })
})
