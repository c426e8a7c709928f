import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { preferInstalledCriu } from './support/criu.js'
import { EngineHost } from './support/engine-host.js'

leakCheck()
preferInstalledCriu()

const image = 'localhost/busybox:1'
const needs = ['root', 'bin:podman', 'bin:catatonit', 'bin:busybox', 'bin:python3'] as const

describeOn(needs, 'podman with ctr-runtime', () => {
  let host: EngineHost
  let podman: readonly string[]

  beforeAll(async () => {
    host = await EngineHost.open(['libpod_parent', 'net_cls', 'net_prio', 'perf_event'], {
      PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
    })
    const config = join(host.folder, 'containers.conf')
    writeFileSync(
      config,
      `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "ctr-runtime"
[engine.runtimes]
ctr-runtime = ["${host.runtime.path}"]
`,
    )
    const [root, run, tmp] = ['root', 'run', 'tmp'].map((name) => join(host.folder, 'podman', name))
    podman = [
      ...['env', `CONTAINERS_CONF=${config}`, 'podman', '--storage-driver', 'vfs'],
      ...['--root', root!, '--runroot', run!, '--tmpdir', tmp!],
    ]
    expect(host.run([...podman, 'load', '-i', host.imageArchive(image)])).toMatchObject({ code: 0 })
  }, 180_000)

  afterAll(async () => {
    host.run([...podman, 'pod', 'rm', '-fa', '-t', '0'])
    host.run([...podman, 'rm', '-fa', '-t', '0'])
    await host.close()
  }, 180_000)

  const run = (...args: readonly string[]) => host.run([...podman, ...args])
  const output = (...args: readonly string[]): string => {
    const { code, stdout, stderr } = run(...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout.trim()
  }
  const start = (name: string, ...args: readonly string[]) => output('run', '-d', '--name', name, ...args)

  it('names it', () => {
    expect(output('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Version}}')).toMatch(
      /^ctr-runtime ctr-runtime version \d+\.\d+\.\d+/,
    )
  })

  describe('run', () => {
    it('hands on output, input and exit code', () => {
      expect(run('run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 3')).toEqual({
        code: 3,
        stdout: 'out\n',
        stderr: 'err\n',
      })
      const cat = host.run([...podman, 'run', '-i', '--rm', image, 'cat'], { input: 'typed' })
      expect(cat).toMatchObject({ code: 0, stdout: 'typed' })
    })

    it('joins a terminal', async () => {
      const script = 'tty; stty size; echo ready; read x; echo got $x; exit 6'
      expect(
        await host.onTerminal('abc\\n', [...podman, 'run', '--rm', '-it', image, 'sh', '-c', script]),
      ).toBe('/dev/pts/0\r\n30 100\r\nready\r\nabc\r\ngot abc\r\n\nexit code 6, terminal restored\n')
    })

    it.each([
      ['nosuch', 127],
      ['/no/such', 127],
      ['/etc', 126],
      ['/etc/passwd', 126],
    ])('of %s exits with %i', (command, code) => {
      expect(run('run', '--rm', image, command)).toMatchObject({ code })
    })

    it.each([
      [['--init'], 'head -c 13 /proc/1/cmdline', '/run/podman-i'],
      [['--pid', 'host'], '[ $$ -gt 1 ] && readlink /proc/self/ns/pid', 'pid:['],
      [['--uts', 'host', '--ipc', 'host'], 'hostname', ''],
      [['--read-only'], 'touch /x 2>/dev/null || touch /tmp/x && echo read-only', 'read-only'],
      [['--user', 'app', '--workdir', '/tmp'], 'id -u; pwd', '1000\n/tmp'],
      [
        ['--cap-drop', 'all', '--cap-add', 'net_raw'],
        'grep CapEff /proc/self/status',
        'CapEff:\t0000000000002000',
      ],
      [['--security-opt', 'no-new-privileges'], 'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1'],
      [['--security-opt', 'seccomp=unconfined'], 'grep Seccomp: /proc/self/status', 'Seccomp:\t0'],
      [[], 'grep Seccomp: /proc/self/status', 'Seccomp:\t2'],
      [['--privileged'], 'mkdir /m && mount -t tmpfs tmpfs /m && echo mounted', 'mounted'],
      [['--ulimit', 'nofile=512:1024', '--ulimit', 'nproc=1024:1024'], 'ulimit -n; ulimit -Hn', '512\n1024'],
      [['--sysctl', 'net.ipv4.ip_forward=1'], 'cat /proc/sys/net/ipv4/ip_forward', '1'],
      [['--device', '/dev/null:/dev/nothing'], 'echo x >/dev/nothing && echo written', 'written'],
      [
        ['-v', '/usr:/host:ro', '--tmpfs', '/t:size=1m'],
        'touch /host/x 2>&1; touch /t/x && echo ok',
        'touch: /host/x: Read-only file system\nok',
      ],
      [['-v', 'volume:/data'], 'touch /data/x && ls /data', 'x'],
      [
        ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'],
        'id -u; cat /proc/self/uid_map',
        '0\n         0     100000      65536',
      ],
    ])('%j: %s', (options, script, expected) => {
      expect(output('run', '--rm', ...options, image, 'sh', '-c', script)).toContain(expected)
    })
  })

  it('leads a container through its life', () => {
    const loop = 'trap "exit 9" TERM; echo started; while :; do sleep 0.1; done'
    start('life', '--memory', '64m', '--pids-limit', '50', image, 'sh', '-c', loop)
    expect(
      run(
        'exec',
        '-e',
        'A=b',
        '-u',
        '1000:1000',
        '-w',
        '/tmp',
        'life',
        'sh',
        '-c',
        'echo $A; id -u; pwd; exit 5',
      ),
    ).toEqual({
      code: 5,
      stdout: 'b\n1000\n/tmp\n',
      stderr: '',
    })
    expect(run('exec', 'life', 'nosuch').code).toBe(127)
    expect(run('exec', 'life', '/etc').code).toBe(126)
    expect(output('top', 'life', 'pid', 'comm')).toMatch(/^PID +COMMAND\n1 +sh\b/)
    expect(output('stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}} {{.PIDs}}', 'life')).toMatch(
      /^life \d.* \/ 67\.11MB [123]$/,
    )
    output('update', '--memory', '32m', 'life')
    const limit = 'cd /sys/fs/cgroup && cat memory/memory.limit_in_bytes memory.max 2>/dev/null; true'
    expect(output('exec', 'life', 'sh', '-c', limit)).toBe(String(32 * 2 ** 20))
    const status = () => output('inspect', '-f', '{{.State.Status}}', 'life')
    output('pause', 'life')
    expect(status()).toBe('paused')
    output('unpause', 'life')
    expect(status()).toBe('running')
    output('kill', '-s', 'CONT', 'life')
    output('stop', '-t', '10', 'life')
    expect(output('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'life')).toBe('exited 9')
    output('start', 'life')
    output('kill', 'life')
    expect(output('wait', 'life')).toBe('137')
    expect(output('logs', 'life')).toBe('started\nstarted')
    output('rm', 'life')
    expect(run('container', 'exists', 'life').code).toBe(1)
  })

  it('joins a terminal to a process of a container', async () => {
    start('terminal', image, 'sleep', '100')
    const script = 'tty; echo ready; read x; echo got $x; exit 6'
    expect(await host.onTerminal('abc\\n', [...podman, 'exec', '-it', 'terminal', 'sh', '-c', script])).toBe(
      '/dev/pts/0\r\nready\r\nabc\r\ngot abc\r\n\nexit code 6, terminal restored\n',
    )
    output('rm', '-f', '-t', '0', 'terminal')
  })

  it('checks the health of a container', () => {
    start('health', '--health-cmd', 'test -e /healthy', '--health-interval', 'disable', image, 'sleep', '100')
    expect(run('healthcheck', 'run', 'health').code).toBe(1)
    output('exec', 'health', 'touch', '/healthy')
    expect(run('healthcheck', 'run', 'health').code).toBe(0)
    output('rm', '-f', '-t', '0', 'health')
  })

  it('shares namespaces between containers', () => {
    start('first', image, 'sleep', '100')
    const join = ['--network', 'container:first', '--pid', 'container:first', '--ipc', 'container:first']
    expect(output('run', '--rm', ...join, image, 'cat', '/proc/1/comm')).toBe('sleep')
    output('rm', '-f', '-t', '0', 'first')
    output('pod', 'create', '--name', 'pod', '--network', 'none')
    output('run', '-d', '--pod', 'pod', image, 'sleep', '100')
    expect(output('run', '--rm', '--pod', 'pod', image, 'hostname')).toBe('pod')
  })

  describeOn(['bin:criu'], 'with CRIU', () => {
    it('checkpoints and restores a container', () => {
      mkdirSync(join(host.folder, 'shared'))
      const file = join(host.folder, 'shared/count')
      const count = 'i=0; while :; do i=$((i+1)); echo $i >/shared/count; sleep 0.1; done'
      start('saved', '-v', `${host.folder}/shared:/shared`, image, 'sh', '-c', count)
      const archive = join(host.folder, 'checkpoint.tar.gz')
      output('container', 'checkpoint', '--export', archive, '--compress', 'gzip', 'saved')
      const before = Number(readFileSync(file, 'utf8'))
      output('rm', 'saved')
      output('container', 'restore', '--import', archive)
      expect(output('exec', 'saved', 'cat', '/proc/1/comm')).toBe('sh')
      expect(Number(output('exec', 'saved', 'cat', '/shared/count'))).toBeGreaterThanOrEqual(before)
      output('rm', '-f', '-t', '0', 'saved')
    })
  })
})
