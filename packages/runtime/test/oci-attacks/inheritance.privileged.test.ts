import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { Arena } from '../support/arena.js'
import { CtrRuntime } from '../support/ctr-runtime.js'

leakCheck()

/**
 * Executes a command as a caller does that has left everything lying about: open folders of the host, ignored and
 * blocked signals, groups, a mode mask, a key, a terminal, variables, lower limits.
 */
const careless = `
import ctypes, fcntl, os, pty, signal, sys, termios
libc = ctypes.CDLL(None, use_errno=True)
for name in sys.argv[1:2] * 12: os.set_inheritable(os.open(name, os.O_RDONLY), True)
for number in range(1, 65):
    if number not in (9, 17, 19, 32, 33): signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [s for s in range(1, 65) if s not in (9, 17, 19, 32, 33)])
os.setgroups([0, 4, 44, 12345])
os.umask(0o137)
libc.syscall(250, 1, b'of-the-host') # keyctl(KEYCTL_JOIN_SESSION_KEYRING)
key = libc.syscall(248, b'user', b'secret-of-the-host', b'x', 1, -3) # add_key
os.environ['SECRET_OF_HOST'] = 'x'
os.environ['LD_LIBRARY_PATH'] = '/nowhere'
os.nice(3)
master, slave = pty.openpty()
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.dup2(os.open(sys.argv[1] + '/printed', os.O_RDWR | os.O_CREAT), 1)
    os.dup2(1, 0)
    os.dup2(1, 2)
    os.execv(sys.argv[2], sys.argv[2:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

/** Prints what a process has. */
const look = `
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
read = lambda path: open(path).read()
status = dict(line.split(':', 1) for line in read('/proc/self/status').splitlines())
try: keys = read('/proc/keys')
except OSError as error: keys = ''
try:
    os.close(os.open('/dev/tty', os.O_RDWR)); tty = True
except OSError: tty = False
description = ctypes.create_string_buffer(256)
libc.syscall(250, 6, -3, description, 256) # keyctl(KEYCTL_DESCRIBE, the session keyring)
found = libc.syscall(250, 10, -3, b'user', b'secret-of-the-host', 0) # KEYCTL_SEARCH
json.dump({
    'fds': { fd: os.readlink('/proc/self/fd/' + fd) for fd in os.listdir('/proc/self/fd') if os.path.lexists('/proc/self/fd/' + fd) },
    'environ': read('/proc/self/environ').split('\\0')[:-1],
    'status': { name: status[name].strip() for name in ('Groups', 'Umask', 'SigQ', 'SigPnd', 'SigBlk', 'SigIgn', 'SigCgt', 'NoNewPrivs', 'Seccomp') if name in status },
    'caps': { name: status[name].strip() for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb') },
    'session': [os.getsid(0) , os.getpgid(0), os.getpid(), os.getppid()],
    'tty': tty,
    'keyring': description.value.decode(), 'key': found,
    'mounts': [line.split(' ')[4] for line in read('/proc/self/mountinfo').splitlines()],
    'cgroup': read('/proc/self/cgroup').splitlines(),
    'ns': { name: os.readlink('/proc/self/ns/' + name) for name in os.listdir('/proc/self/ns') },
    'limits': read('/proc/self/limits'), 'oom': read('/proc/self/oom_score_adj').strip(),
    'cwd': os.getcwd(), 'root': os.listdir('/'), 'securebits': libc.prctl(27), 'personality': read('/proc/self/personality').strip(),
}, open('/tmp/' + os.environ['NAME'], 'w'))
`

interface Seen {
  readonly fds: Readonly<Record<string, string>>
  readonly environ: readonly string[]
  readonly status: Readonly<Record<string, string>>
  readonly caps: Readonly<Record<string, string>>
  readonly session: readonly [number, number, number, number]
  readonly tty: boolean
  readonly keyring: string
  readonly key: number
  readonly mounts: readonly string[]
  readonly cgroup: readonly string[]
  readonly ns: Readonly<Record<string, string>>
  readonly oom: string
  readonly limits: string
  readonly cwd: string
  readonly root: readonly string[]
  readonly securebits: number
  readonly personality: string
}

describeOn(['root', 'bin:busybox'], 'ctr-runtime under a careless caller', () => {
  let arena: Arena
  let folder: ReturnType<typeof temporaryFolder>
  let cli: CtrRuntime
  beforeAll(() => {
    arena = new Arena()
    folder = temporaryFolder()
    cli = new CtrRuntime(folder.path)
  })
  afterAll(() => {
    folder[Symbol.dispose]()
    arena[Symbol.dispose]()
  })

  const call = (...args: readonly string[]): void => {
    execFileSync('/usr/bin/python3', ['-c', careless, folder.path, ...cli.line(...args)], {
      env: cli.env,
      timeout: 30_000,
    })
  }

  function check(seen: Seen, pid: number): void {
    for (const [fd, target] of Object.entries(seen.fds)) {
      if (Number(fd) > 2) expect(target).toMatch(/^\/proc\/\d+\/fd$|^\/tmp\/(init|exec)$/)
    }
    expect(seen.environ.filter((one) => !/^(PATH|HOME|NAME)=/.test(one))).toEqual([])
    expect(seen.status).toMatchObject({
      Groups: '',
      Umask: '0022',
      SigPnd: '0000000000000000',
      SigBlk: '0000000000000000',
      // Python itself ignores SIGPIPE and SIGXFSZ, and catches SIGINT
      SigIgn: '0000000001001000',
      SigCgt: '0000000000000002',
    })
    expect(seen.caps).toMatchObject({ CapInh: '0000000000000000', CapAmb: '0000000000000000' })
    const [session, group, self] = seen.session
    expect([session, group]).toEqual([self, self])
    expect(seen.tty).toBe(false)
    expect(seen.keyring).not.toContain('of-the-host')
    expect(seen.key).toBe(-1)
    expect(seen.mounts.filter((path) => !/^\/($|proc|sys|dev|usr)/.test(path))).toEqual([])
    expect(seen.root).not.toContain('root')
    expect(seen.cwd).toBe('/')
    expect([seen.securebits, seen.personality]).toEqual([0, '00000000'])
    expect(seen.oom).toBe(readFileSync('/proc/self/oom_score_adj', 'utf8').trim())
    for (const kind of ['pid', 'mnt', 'net', 'ipc', 'uts'])
      expect(seen.ns[kind]).not.toBe(readlinkSync(`/proc/self/ns/${kind}`))
    for (const line of seen.cgroup) if (!line.startsWith('0::')) expect(line).toContain('careless')
    expect(pid).toBeGreaterThan(0)
  }

  it('gives nothing of the caller to a container, nor to a process executed in it', () => {
    const id = `careless-${process.pid}`
    const bundle = arena.bundle(
      ['/usr/bin/python3', '-c', `${look}\nimport time\ntime.sleep(60)`],
      (config) => ({
        ...config,
        process: { ...config.process!, env: ['PATH=/bin:/usr/bin', 'NAME=init'] },
      }),
    )
    const found = (name: string): Seen =>
      JSON.parse(readFileSync(join(bundle, 'rootfs/tmp', name), 'utf8')) as Seen
    call('create', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), id)
    try {
      call('start', id)
      const pid = Number(readFileSync(join(bundle, 'pid'), 'utf8'))
      execFileSync('sh', [
        '-c',
        `for n in $(seq 200); do [ -s ${bundle}/rootfs/tmp/init ] && exit 0; sleep 0.05; done; exit 1`,
      ])
      check(found('init'), pid)
      const process_ = {
        user: { uid: 0, gid: 0 },
        args: ['/usr/bin/python3', '-c', look],
        env: ['PATH=/bin:/usr/bin', 'NAME=exec'],
        cwd: '/',
      }
      mkdirSync(join(bundle, 'x'))
      writeFileSync(join(bundle, 'process.json'), JSON.stringify(process_))
      call('exec', '--process', join(bundle, 'process.json'), id)
      check(found('exec'), pid)
    } finally {
      cli.run('delete', '--force', id)
    }
  })
})
