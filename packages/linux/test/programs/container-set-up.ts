import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CAP_SYS_ADMIN,
  CAP_SYS_MODULE,
  CLONE_NEWCGROUP,
  CLOSE_RANGE_CLOEXEC,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  makedev,
  MNT_DETACH,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
  O_CLOEXEC,
  O_CREAT,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  OPEN_HOW_SIZE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  openHow,
  PR_CAPBSET_DROP,
  PR_SET_DUMPABLE,
  PR_SET_NO_NEW_PRIVS,
  Program,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFCHR,
  SECCOMP_SET_MODE_FILTER,
  SIG_SETMASK,
  stringVector,
  Struct,
  Words,
  type Ref,
} from '../../src/index.js'

/** What a container needs from its clone to its `execve`: a sample of what the packages above build. */
export function containerSetUp(): Program {
  const program = new Program()
  waitForMaps(program)
  const data = openVolume(program)
  enterRoot(program)
  mountSystem(program)
  placeVolume(program, data)
  dropPrivileges(program)
  execute(program)
  return program
}

function waitForMaps(program: Program): void {
  program.step('wait for the id maps')
  program.call('read', [7, new Uint8Array(1), 1], { minimum: 1 })
  program.call('setresgid', [0, 0, 0])
  program.call('setresuid', [0, 0, 0])
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
  program.call('unshare', [CLONE_NEWCGROUP])
}

function openVolume(program: Program): Ref {
  program.step('open the volume /srv/data')
  program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
  const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE
  const data = program.call('open_tree', [AT_FDCWD, '/srv/data', flags])
  const attributes = mountAttributes({ set: MOUNT_ATTR_RDONLY + MOUNT_ATTR_NOSUID })
  program.call('mount_setattr', [data, '', AT_EMPTY_PATH + AT_RECURSIVE, attributes, 32])
  return data
}

function enterRoot(program: Program): void {
  program.step('mount the root file system')
  const fs = program.call('fsopen', ['overlay', FSOPEN_CLOEXEC])
  program.call('fsconfig', [fs, FSCONFIG_SET_STRING, 'lowerdir+', '/var/lib/layers/1', 0])
  program.call('fsconfig', [fs, FSCONFIG_SET_STRING, 'upperdir', '/var/lib/upper', 0])
  program.call('fsconfig', [fs, FSCONFIG_SET_STRING, 'workdir', '/var/lib/work', 0])
  program.call('fsconfig', [fs, FSCONFIG_SET_FLAG, 'userxattr', null, 0])
  program.call('fsconfig', [fs, FSCONFIG_CMD_CREATE, null, null, 0])
  const root = program.call('fsmount', [fs, FSMOUNT_CLOEXEC, 0])
  program.call('move_mount', [root, '', AT_FDCWD, '/mnt', MOVE_MOUNT_F_EMPTY_PATH])
  program.step('change the root')
  program.call('fchdir', [root])
  program.call('pivot_root', ['.', '.'])
  program.call('umount2', ['.', MNT_DETACH])
  program.call('chdir', ['/'])
}

function mountSystem(program: Program): void {
  program.step('mount /proc and /dev')
  program.call('mount', ['proc', '/proc', 'proc', MS_NOSUID + MS_NODEV + MS_NOEXEC, null])
  const fs = program.call('fsopen', ['tmpfs', FSOPEN_CLOEXEC])
  program.call('fsconfig', [fs, FSCONFIG_SET_STRING, 'mode', '755', 0])
  program.call('fsconfig', [fs, FSCONFIG_CMD_CREATE, null, null, 0])
  const dev = program.call('fsmount', [fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID + MOUNT_ATTR_NOEXEC])
  program.call('mknodat', [dev, 'null', S_IFCHR + 0o666, makedev(1, 3)], { tolerate: ['EPERM'] })
  program.call('symlinkat', ['/proc/self/fd', dev, 'fd'])
  program.call('mkdirat', [dev, 'shm', 0o1777])
  program.call('move_mount', [dev, '', AT_FDCWD, '/dev', MOVE_MOUNT_F_EMPTY_PATH])
}

function placeVolume(program: Program, data: Ref): void {
  program.step('mount the volume /srv/data at /data')
  program.call('mkdirat', [AT_FDCWD, '/data', 0o755], { tolerate: ['EEXIST', 'EROFS'] })
  const how = openHow({ flags: O_PATH, resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS })
  const at = program.call('openat2', [AT_FDCWD, '/data', how, OPEN_HOW_SIZE])
  program.call('move_mount', [data, '', at, '', MOVE_MOUNT_F_EMPTY_PATH + MOVE_MOUNT_T_EMPTY_PATH])
  const flags = O_WRONLY + O_CREAT + O_NOFOLLOW + O_CLOEXEC
  const file = program.call('openat', [AT_FDCWD, '/etc/hostname', flags, 0o644])
  program.call('write', [file, 'box\n', 4])
  program.call('sethostname', ['box', 3])
}

function dropPrivileges(program: Program): void {
  program.step('place the standard streams')
  const nul = program.call('openat', [AT_FDCWD, '/dev/null', O_RDONLY + O_CLOEXEC])
  program.call('dup3', [nul, 0, 0])
  program.call('close_range', [3, 0xffffffff, CLOSE_RANGE_CLOEXEC])
  program.step('drop privileges')
  program.call('prctl', [PR_CAPBSET_DROP, CAP_SYS_MODULE, 0, 0, 0])
  program.call('prctl', [PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0])
  program.call('setgroups', [1, new Struct(new Uint8Array(4), '[1000]')])
  program.call('setresgid', [1000, 1000, 1000])
  program.call('setresuid', [1000, 1000, 1000])
  program.call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0])
  program.call('seccomp', [
    SECCOMP_SET_MODE_FILTER,
    0,
    new Words([2, new Uint8Array(16)], '{2 instructions}'),
  ])
}

function execute(program: Program): void {
  program.step('execute "server"')
  program.call('rt_sigprocmask', [SIG_SETMASK, new Struct(new Uint8Array(8), '[]'), null, 8])
  const argv = stringVector(['server', '--port', '80'])
  const envp = stringVector(['PATH=/bin', 'HOME=/'], '[2 variables]')
  program.call('execve', ['/usr/bin/server', argv, envp], { tolerate: ['ENOENT', 'EACCES'] })
  program.call('execve', ['/bin/server', argv, envp])
}
