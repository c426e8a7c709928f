import { describe, expect, it } from '@jest/globals'
import { explain } from '@ctr/linux'
import { describe as describeSpawn } from './spawn.js'
import type { SpawnOptions } from './spawn-options.js'

const entry = 'execveat(0, "", ["ctr-init", NULL], [NULL], AT_EMPTY_PATH)'

const quiet: Pick<SpawnOptions, 'stdio' | 'env'> = {
  stdio: ['ignore', 'ignore', 'ignore'],
  env: { PATH: '/bin' },
}

function printed(options: SpawnOptions): string[] {
  return describeSpawn(options).map(explain).join('').trimEnd().split('\n')
}

describe('describe()', () => {
  it('is the whole set-up of a child, in order', () => {
    const lines = printed({
      ...quiet,
      command: ['/bin/true'],
      namespaces: { user: 'new', uts: 'new', cgroup: 'new', time: 'new' },
      hostname: 'box',
      timeOffsets: { monotonicNs: -1n },
      cwd: '/work',
      prepareFds: [7],
      noNewPrivileges: true,
      before: (program) => program.step('before').call('umask', [0]),
      prepare: (program) => program.step('prepare').call('umask', [0o022]),
    })
    // which signals this process ignores depends on who has started it
    const reset = 'rt_sigaction('
    expect(lines.filter((line) => line.startsWith(reset))).toContain(`${reset}SIGPIPE, {SIG_DFL}, NULL, 8)`)
    expect(lines.filter((line) => !line.startsWith(reset))).toEqual([
      '# before',
      'umask(0)',
      '# close all other descriptors',
      'close_range(3, 6, 0)',
      'close_range(8, ~0, 0)',
      '# let go of the memory of our parent',
      'fcntl(7, F_SETFD, 0)',
      'fcntl(0, F_SETFD, 0)',
      entry,
      '# open /dev/null',
      'openat(AT_FDCWD, "/dev/null", O_RDWR|O_NOCTTY|O_CLOEXEC) -> $0',
      'fcntl($0, F_DUPFD_CLOEXEC, 3) -> $1',
      '# make namespaces',
      'unshare(CLONE_NEWUTS|CLONE_NEWUSER)',
      '# wait for the id maps',
      'prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)',
      'write(0, [1 bytes], 1)',
      'read(0, [1 bytes], 1)  # at least 1',
      'setresgid(0, 0, 0)',
      'setresuid(0, 0, 0)',
      'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)',
      'fcntl(0, F_SETFD, 1)',
      'fcntl(0, F_SETFD, 1)',
      '# make the cgroup namespace',
      'unshare(CLONE_NEWCGROUP)',
      '# make the time namespace',
      'unshare(CLONE_NEWTIME)',
      '# wait for the clocks',
      'write(0, [1 bytes], 1)',
      'read(0, [1 bytes], 1)  # at least 1',
      '# set the host name',
      'sethostname("box", 3)',
      '# begin a session',
      'setsid()',
      '# set up standard input, output and error',
      'dup3($1, 0, 0)',
      'dup3($1, 1, 0)',
      'dup3($1, 2, 0)',
      '# close all other descriptors',
      'close_range(3, 6, 0)',
      'close_range(8, ~0, 0)',
      '# prepare',
      'umask(022)',
      '# close all other descriptors',
      'close_range(3, ~0, 0)',
      '# go on as another program',
      'fcntl(0, F_SETFD, 0)',
      'write(0, [16 bytes], 16)',
      entry,
      '# protect the process',
      'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)',
      'fcntl(0, F_SETFD, 1)',
      '# reset signals',
      'rt_sigprocmask(SIG_SETMASK, [], NULL, 8)',
      '# chdir to /work',
      expect.stringMatching(
        /^openat2\(AT_FDCWD, "\/work", .* resolve: RESOLVE_NO_MAGICLINKS\}, 24\) -> \$\d+$/,
      ),
      expect.stringMatching(/^fchdir\(\$\d+\)$/),
      expect.stringMatching(/^close\(\$\d+\)$/),
      '# set no_new_privs',
      'prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)',
      '# execute "/bin/true"',
      'execve("/bin/true", ["/bin/true", NULL], [1 variables])',
    ])
  })

  it('joins undumpable, all kinds of a pidfd at once, and enters a pid namespace by one more clone', () => {
    const pidfd = 42
    const lines = printed({
      ...quiet,
      command: ['true'],
      namespaces: { pid: { pidfd }, mount: { pidfd }, network: { fd: 43 } },
      user: { uid: 1, gid: 2, groups: [2, 3] },
    })
    const from = lines.indexOf('# join namespaces')
    expect(lines.slice(from, from + 6)).toEqual([
      '# join namespaces',
      'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)',
      '# join the network namespace',
      'setns(43, CLONE_NEWNET)',
      '# join the pid, mount namespace',
      expect.stringMatching(/^setns\(42, CLONE_NEW\w+\|CLONE_NEW\w+\)$/),
    ])
    const handOver = lines.indexOf('# let go of the memory of our parent')
    expect(handOver).toBeGreaterThan(-1)
    expect(from).toBeGreaterThan(handOver)
    expect(lines.indexOf('# enter the pid namespace')).toBeGreaterThan(from)
    expect(lines).toContain('setgroups(2, [2, 3])')
    expect(lines.at(-1)).toBe('execve("/bin/true", ["true", NULL], [1 variables])')
  })

  it('begins no session where no namespaces are given', () => {
    expect(printed({ ...quiet, command: ['/bin/true'] })).not.toContain('setsid()')
    expect(printed({ ...quiet, command: ['/bin/true'], session: true })).toContain('setsid()')
  })

  it('says which namespace cannot be joined', () => {
    const namespaces = { uts: { path: '/does/not/exist' } }
    expect(() => describeSpawn({ ...quiet, command: ['/bin/true'], namespaces })).toThrow(
      expect.objectContaining({
        code: 'ERR_NAMESPACES_NOT_FOUND',
        message: 'cannot join the uts namespace /does/not/exist: it cannot be opened',
      }),
    )
  })
})
