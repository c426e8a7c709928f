import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  CLONE_NEWNS,
  cloneMount,
  Fd,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_STRING,
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  FSMOUNT_CLOEXEC,
  fsmount,
  fsopen,
  FSOPEN_CLOEXEC,
  mkdirat,
  MNT_DETACH,
  mount,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  mountSetattr,
  MOVE_MOUNT_F_EMPTY_PATH,
  moveMount,
  MS_BIND,
  MS_PRIVATE,
  MS_REC,
  O_CREAT,
  O_RDONLY,
  O_WRONLY,
  OPEN_TREE_CLONE,
  openat2,
  openTree,
  pivotRoot,
  Program,
  syscall,
  umount2,
  UMOUNT_NOFOLLOW,
} from '../src/index.js'
import { shell } from './programs/children.js'

leakCheck()

const code = (name: string): Error => expect.objectContaining({ code: name }) as unknown as Error

/** A detached tmpfs. */
function tmpfs(): Fd {
  using fs = new Fd(fsopen('tmpfs'))
  fsconfigString(fs.number, 'size', '1m')
  fsconfigString(fs.number, 'mode', '750')
  fsconfigCreate(fs.number)
  return new Fd(fsmount(fs.number, MOUNT_ATTR_NOSUID))
}

function create(folder: Fd, path: string): void {
  new Fd(openat2(folder.number, path, { flags: O_WRONLY + O_CREAT, mode: 0o600 })).close()
}

describeOn(['root'], 'the descriptor-based mount calls', () => {
  it('make a file system that is mounted nowhere', () => {
    using detached = tmpfs()
    create(detached, 'file')
    expect(() => openat2(detached.number, 'other', { flags: O_RDONLY })).toThrow(code('ENOENT'))
  })

  it('refuse settings that the file system does not have', () => {
    using fs = new Fd(fsopen('tmpfs'))
    expect(() => fsconfigFlag(fs.number, 'nonsense')).toThrow(
      `fsconfig(${fs.number}, FSCONFIG_SET_FLAG, "nonsense", NULL, 0): EINVAL`,
    )
    expect(() => fsopen('nosuchfs')).toThrow(code('ENODEV'))
  })

  it('change the attributes of a mount, by mountSetattr()', () => {
    using detached = tmpfs()
    mountSetattr(detached.number, { set: MOUNT_ATTR_RDONLY + MOUNT_ATTR_NOEXEC, propagation: MS_PRIVATE })
    expect(() => create(detached, 'file')).toThrow(code('EROFS'))
    mountSetattr(detached.number, { clear: MOUNT_ATTR_RDONLY }, { recursive: true })
    create(detached, 'file')
  })

  it('attach a mount to another', () => {
    using below = tmpfs()
    using above = tmpfs()
    mkdirat(below.number, 'on', 0o755)
    create(above, 'seen')
    moveMount(above.number, below.number, 'on', MOVE_MOUNT_F_EMPTY_PATH)
    new Fd(openat2(below.number, 'on/seen', { flags: O_RDONLY })).close()
  })

  it('copy what is mounted', () => {
    using copy = new Fd(cloneMount('/proc'))
    new Fd(openat2(copy.number, 'self/status', { flags: O_RDONLY })).close()
    using again = new Fd(openTree(copy.number, '', OPEN_TREE_CLONE + AT_EMPTY_PATH))
    new Fd(openat2(again.number, 'version', { flags: O_RDONLY })).close()
    using everything = new Fd(cloneMount('/', { recursive: true }))
    new Fd(openat2(everything.number, 'proc/version', { flags: O_RDONLY })).close()
  })

  it('mount within a child’s own namespace only', async () => {
    using folder = temporaryFolder()
    const program = new Program()
    program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
    const fs = program.call('fsopen', ['tmpfs', FSOPEN_CLOEXEC])
    program.call('fsconfig', [fs, FSCONFIG_SET_STRING, 'size', '64k', 0])
    program.call('fsconfig', [fs, FSCONFIG_CMD_CREATE, null, null, 0])
    const mounted = program.call('fsmount', [fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC])
    program.call('move_mount', [mounted, '', AT_FDCWD, folder.path, MOVE_MOUNT_F_EMPTY_PATH])
    const script = `grep -q ' ${folder.path} tmpfs rw,noexec' /proc/mounts && : > ${folder.path}/file`
    expect(await shell(script, program, CLONE_NEWNS)).toEqual({ exitCode: 0, signal: undefined })
    expect(() => openat2(AT_FDCWD, join(folder.path, 'file'), { flags: O_RDONLY })).toThrow(code('ENOENT'))
  })
})

describeOn(['root'], 'mount() and umount2()', () => {
  it('mount and unmount', () => {
    using folder = temporaryFolder()
    mount('tmpfs', folder.path, 'tmpfs', 0, 'size=64k')
    try {
      using root = new Fd(openat2(AT_FDCWD, folder.path, { flags: O_RDONLY }))
      create(root, 'file')
      mount(folder.path, folder.path, null, MS_BIND)
      umount2(folder.path)
      expect(() => umount2(folder.path)).toThrow(code('EBUSY'))
    } finally {
      umount2(folder.path, MNT_DETACH + UMOUNT_NOFOLLOW)
    }
    expect(() => umount2(folder.path)).toThrow(`umount2("${folder.path}", 0): EINVAL`)
  })
})

describeOn(['root'], 'pivotRoot()', () => {
  it('says what it refuses', () => {
    using folder = temporaryFolder()
    expect(() => pivotRoot(folder.path, folder.path)).toThrow(
      `pivot_root("${folder.path}", "${folder.path}")`,
    )
    expect(syscall('getpid')).toBe(process.pid)
  })
})
