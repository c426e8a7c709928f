import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import * as linux from '../index.js'
import { containerSetUp } from '../../test/programs/container-set-up.js'
import { out, Ref, stringVector, Struct, Words } from './argument.js'
import { describeArguments, explain } from './explain.js'
import { Program } from './program.js'

/** Compares with `test/golden/NAME.txt`; `UPDATE_GOLDEN=1` writes it. */
function expectGolden(name: string, text: string): void {
  const file = new URL(`../../test/golden/${name}.txt`, import.meta.url)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

describe('explain()', () => {
  it('prints the set-up of a container', () => {
    expectGolden('container-set-up', explain(containerSetUp()))
  })

  it('prints nothing for an empty program', () => {
    expect(explain(new Program())).toBe('')
  })

  it('says what is expected of an entry', () => {
    const program = new Program()
    const fd = program.call('openat', [linux.AT_FDCWD, '/x', linux.O_RDONLY], {
      tolerate: ['ENOENT', 'ELOOP'],
    })
    program.call('read', [fd, out(new Uint8Array(1)), 1], { minimum: 1 })
    program.call('close', [fd], { minimum: 'any', step: 'let go' })
    program.call('clone3', [new Struct(new Uint8Array(88), '{flags: CLONE_PARENT}'), 88], { leave: true })
    expect(explain(program)).toBe(
      [
        'openat(AT_FDCWD, "/x", O_RDONLY) -> $0  # may fail with ENOENT, ELOOP',
        'read($0, [1 bytes out], 1)  # at least 1',
        '# let go',
        'close($0)  # may fail',
        'clone3({flags: CLONE_PARENT}, 88)  # the parent leaves here',
        '',
      ].join('\n'),
    )
  })
})

describe('describeArguments()', () => {
  it.each<[linux.SyscallName, linux.Argument[], string]>([
    [
      'mount',
      ['proc', '/proc', 'proc', 14, null],
      '"proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL',
    ],
    ['mount', [null, '/', null, 0x44000, null], 'NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL'],
    ['umount2', ['/old', 10], '"/old", MNT_DETACH|UMOUNT_NOFOLLOW'],
    ['openat', [3, 'a"b\n', 0o2000101, 0o644], '3, "a\\"b\\n", O_WRONLY|O_CREAT|O_CLOEXEC, 0644'],
    ['openat', [-100, 'x', 3], 'AT_FDCWD, "x", O_ACCMODE'],
    ['mknodat', [3, 'null', 0o20666, 259], '3, "null", S_IFCHR|0666, makedev(1, 3)'],
    ['mknodat', [3, 'p', 0o10600, 0], '3, "p", S_IFIFO|0600, 0'],
    ['mknodat', [3, 'd', 0o60600, linux.makedev(259, 70000)], '3, "d", S_IFBLK|0600, makedev(259, 70000)'],
    ['fchownat', [3, 'x', -1, 0xffffffff, 0x100], '3, "x", -1, -1, AT_SYMLINK_NOFOLLOW'],
    [
      'unshare',
      [0x7e020080],
      'CLONE_NEWTIME|CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET',
    ],
    ['setns', [5, 0], '5, 0'],
    ['close_range', [3, 0xffffffff, 4], '3, ~0, CLOSE_RANGE_CLOEXEC'],
    ['prctl', [24, 21, 0, 0, 0], 'PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0'],
    ['prctl', [47, 2, 12, 0, 0], 'PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0'],
    ['prctl', [47, 4, 0, 0, 0], 'PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0'],
    ['prctl', [1, 9], 'PR_SET_PDEATHSIG, SIGKILL'],
    ['prctl', [38, 1, 0, 0, 0], 'PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0'],
    [
      'seccomp',
      [1, 2, new Words([3, new Uint8Array(24)])],
      'SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, [3, [24 bytes]]',
    ],
    [
      'prlimit64',
      [0, 7, new Struct(new Uint8Array(16), '{1024, 4096}'), null],
      '0, RLIMIT_NOFILE, {1024, 4096}, NULL',
    ],
    ['socket', [16, 0o2000003, 0], 'AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE'],
    ['socket', [2, 1, 6], 'AF_INET, SOCK_STREAM, 6'],
    ['setsockopt', [3, 270, 11, new Uint8Array(4), 4], '3, SOL_NETLINK, NETLINK_EXT_ACK, [4 bytes], 4'],
    ['setsockopt', [3, 1, 2, new Uint8Array(4), 4], '3, SOL_SOCKET, SO_REUSEADDR, [4 bytes], 4'],
    ['ioctl', [3, 0x540e, 0], '3, TIOCSCTTY, 0'],
    ['ioctl', [3, 0xc040ff0b, null], '3, 0xc040ff0b, NULL'],
    ['kill', [1, 15], '1, SIGTERM'],
    ['rt_sigaction', [13, null, null, 8], 'SIGPIPE, NULL, NULL, 8'],
    ['rt_sigprocmask', [2, null, null, 8], 'SIG_SETMASK, NULL, NULL, 8'],
    ['waitid', [3, 7, null, 5, null], 'P_PIDFD, 7, NULL, WNOHANG|WEXITED, NULL'],
    ['move_mount', [4, '', 5, '', 0x44], '4, "", 5, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH'],
    ['open_tree', [-100, '/', 0x88001], 'AT_FDCWD, "/", OPEN_TREE_CLONE|AT_RECURSIVE|OPEN_TREE_CLOEXEC'],
    [
      'mount_setattr',
      [
        4,
        '',
        0x9000,
        linux.mountAttributes({ set: 0x100001, clear: 2, propagation: 0x80000, userns: 6 }),
        32,
      ],
      '4, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set: MOUNT_ATTR_RDONLY|MOUNT_ATTR_IDMAP, attr_clr: MOUNT_ATTR_NOSUID, propagation: MS_SLAVE, userns_fd: 6}, 32',
    ],
    [
      'openat2',
      [3, 'x', linux.openHow({ flags: 0, resolve: 0x12 }), 24],
      '3, "x", {flags: O_RDONLY|O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24',
    ],
    ['flock', [3, 6], '3, LOCK_EX|LOCK_NB'],
    ['pipe2', [out(new Uint8Array(8)), 0o2000000], '[8 bytes out], O_CLOEXEC'],
    ['mount', ['a', 'b', 'c', 0x80000001, null], '"a", "b", "c", MS_RDONLY|0x80000000, NULL'],
    ['unshare', [0x20000n], 'CLONE_NEWNS'],
    [
      'execve',
      ['/bin/sh', stringVector(['sh', '-c', ':']), stringVector([], '[3 variables]')],
      '"/bin/sh", ["sh", "-c", ":", NULL], [3 variables]',
    ],
    ['dup3', [new Ref(4), 1, 0], '$4, 1, 0'],
  ])('prints the arguments of %s in symbols: %#', (call, args, expected) => {
    expect(describeArguments({ call, args }).join(', ')).toBe(expected)
  })
})
