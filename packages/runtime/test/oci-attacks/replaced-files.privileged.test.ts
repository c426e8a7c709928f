import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { all, Arena, withCapabilities, type Attacker, type Change } from '../support/arena.js'

leakCheck()

const mayAll: Change = all(
  withCapabilities('CAP_SYS_ADMIN', 'CAP_LEASE', 'CAP_DAC_READ_SEARCH'),
  (config) => ({ ...config, linux: { ...config.linux, resources: {} } }),
)

describeOn(['root', 'bin:busybox'], 'OciRuntime and containers that have replaced their files', () => {
  let arena: Arena
  beforeAll(() => {
    arena = new Arena()
    writeFileSync(join(arena.path, 'passwd'), 'root:x:0:0:root:/of-the-host:/bin/sh\n')
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  /** Starts a container whose script has come to its end, and sleeps. */
  async function after(script: string): Promise<Attacker> {
    const attacker = await arena.start(`${script}\necho done; exec sleep 60`, mayAll)
    for (let n = 0; !attacker.output().includes('done\n'); n++) {
      if (n === 200) throw new Error(attacker.output())
      await sleep(25)
    }
    return attacker
  }

  it.each([
    [
      'procfs is covered by a tmpfs with a self that leads elsewhere',
      'mount -t tmpfs t /proc && mkdir -p /proc/self/attr /proc/self/fd /proc/1/ns && ln -s /etc/passwd /proc/self/exe && ln -s / /proc/thread-self',
    ],
    ['procfs is covered by a file system without anything', 'mount -t tmpfs t /proc'],
    ['procfs is covered by another folder', 'mount -o bind /tmp /proc'],
    [
      'the root has been changed by chroot',
      'mkdir -p /work/new && mount -o bind / /work/new && exec chroot /work/new sh -c "echo done; exec sleep 60"',
    ],
    [
      'the root has been changed by pivot_root',
      'mount -o bind / /work && mkdir -p /work/tmp/old && cd /work && pivot_root . tmp/old && cd /',
    ],
    [
      'another file system is mounted over the root',
      'mount -t tmpfs t /work && cp -a /bin /etc /work/ && mount -o bind /work /',
    ],
  ])('executes in the container where %s', async (_, script) => {
    await using attacker = await after(script)
    const outcome = await attacker.exec('cat /etc/passwd; ls /; test -e /var/lib/dpkg && echo host', {
      process: { user: { uid: 0, gid: 0, umask: 0o22 }, oomScoreAdj: 500 },
    })
    expect(outcome.exitCode).toBeLessThanOrEqual(1)
    expect(outcome.output).toContain('root:x:0:0:root:/root:/bin/sh\n')
    expect(outcome.output).not.toContain('host')
  })

  it.each([
    [
      'the pseudo terminals are no devpts',
      'umount /dev/pts && mkdir -p /dev/pts && mknod /dev/pts/ptmx c 1 3',
    ],
    ['ptmx is a link', 'mount -t tmpfs t /dev/pts && ln -s /dev/null /dev/pts/ptmx'],
    ['ptmx is a named pipe', 'mount -t tmpfs t /dev/pts && mkfifo /dev/pts/ptmx'],
    ['ptmx is a file', 'mount -t tmpfs t /dev/pts && echo >/dev/pts/ptmx'],
  ])('makes no terminal where %s', async (_, script) => {
    await using attacker = await after(script)
    const process = { terminal: true, user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/', env: [] }
    await expect(attacker.container.exec({ process, terminal: 'stream' })).rejects.toMatchObject({
      name: 'RuntimeError',
    })
  })

  /** What becomes of `/etc/passwd`, on the host's side, before or after the start. */
  const hostile: readonly [string, (path: string) => void, string][] = [
    ['a named pipe', (path) => execFileSync('mkfifo', [path]), '/'],
    ['a device', (path) => execFileSync('mknod', [path, 'c', '1', '5']), '/'],
    ['a folder', (path) => mkdirSync(path), '/'],
    ['a link to a file of the host', (path) => symlinkSync(join('/proc/self/cwd', path), path), '/'],
    ['a link to a path of the host', (path) => symlinkSync('/etc/shadow', path), '/'],
    ['a link to a descriptor', (path) => symlinkSync('/proc/self/fd/0', path), '/'],
    ['a link to itself', (path) => symlinkSync('passwd', path), '/'],
    ['10 GB of nothing', (path) => execFileSync('truncate', ['-s', '10G', path]), '/'],
    [
      'a line of 2 MB',
      (path) => writeFileSync(path, `root:x:0:0:${'x'.repeat(2 ** 21)}:/late:/bin/sh\n`),
      '/',
    ],
  ]
  it.each(hostile)('finds a home directory where /etc/passwd is %s', async (_, make, home) => {
    const began = performance.now()
    const replace = (rootfs: string): void => {
      rmSync(join(rootfs, 'etc/passwd'), { force: true })
      make(join(rootfs, 'etc/passwd'))
    }
    await using attacker = await arena.start('exec sleep 60')
    replace(attacker.rootfs)
    expect((await attacker.exec('echo $HOME')).output).toBe(`${home}\n`)
    const bundle = arena.bundle(['true'])
    replace(join(bundle, 'rootfs'))
    const created = await arena.runtime.create(`home-${process.pid}`, { bundle })
    await created.delete({ force: true })
    expect(performance.now() - began).toBeLessThan(25_000)
  })

  it('does not wait for somebody who holds a lease on /etc/passwd', async () => {
    await using attacker = await arena.start(
      [
        '/usr/bin/python3',
        '-c',
        "import fcntl, os, signal, time\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\nfd = os.open('/etc/passwd', os.O_RDWR)\nfcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\nprint('done', flush=True)\ntime.sleep(60)",
      ],
      mayAll,
    )
    while (!attacker.output().includes('\n')) await sleep(25)
    expect(attacker.output()).toBe('done\n')
    const began = performance.now()
    expect((await attacker.exec('echo $HOME')).output).toBe('/\n')
    expect(performance.now() - began).toBeLessThan(25_000)
  })

  it('does not wait for a command that is a named pipe or a device', async () => {
    await using attacker = await arena.start('exec sleep 60')
    execFileSync('mkfifo', ['-m', '755', join(attacker.rootfs, 'bin/pipe')])
    execFileSync('mknod', ['-m', '755', join(attacker.rootfs, 'bin/zero'), 'c', '1', '5'])
    mkdirSync(join(attacker.rootfs, 'bin/folder'))
    symlinkSync('loop', join(attacker.rootfs, 'bin/loop'))
    for (const command of ['pipe', '/bin/zero', 'folder', 'loop', '/proc/self/fd/0'])
      await expect(attacker.exec([command])).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_RUNTIME_COMMAND_NOT_(FOUND|EXECUTABLE)$/),
      })
  })

  it('writes no sysctl, label or limit where procfs of the image leads elsewhere (CVE-2025-52881)', async () => {
    const target = join(arena.path, 'target')
    writeFileSync(target, 'as it was')
    const hosts = readFileSync('/proc/sys/kernel/hostname', 'utf8')
    // over the container's procfs a bind that has the same names
    const fake = join(arena.path, 'fake')
    for (const folder of ['sys/net/ipv4', 'self/attr', 'thread-self/attr', '1'])
      mkdirSync(join(fake, folder), { recursive: true })
    for (const name of [
      'sys/net/ipv4/ip_unprivileged_port_start',
      'self/attr/exec',
      'thread-self/attr/exec',
      'self/oom_score_adj',
      'self/attr/keycreate',
    ])
      execFileSync('ln', [target, join(fake, name)])
    const outcome = arena.run('cat /proc/sys/net/ipv4/ip_unprivileged_port_start', (config) => ({
      ...config,
      process: { ...config.process!, oomScoreAdj: 321 },
      mounts: [
        ...(config.mounts ?? []),
        { destination: '/proc', type: 'bind', source: fake, options: ['bind'] },
      ],
      linux: {
        ...config.linux,
        maskedPaths: [],
        readonlyPaths: [],
        sysctl: { 'net.ipv4.ip_unprivileged_port_start': '77' },
      },
    }))
    const { output } = await outcome.catch((error: unknown) => ({ output: String(error) }))
    expect(output).toMatch(/^as it was$|cannot be mounted/)
    expect(readFileSync(target, 'utf8')).toBe('as it was')
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(hosts)
    expect(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')).not.toBe('77\n')
  })
})
