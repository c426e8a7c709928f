import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { endDaemon, EngineHost } from './support/engine-host.js'

leakCheck()

const image = 'localhost/busybox:1'
const needs = ['root', 'bin:dockerd', 'bin:docker', 'bin:iptables', 'bin:busybox', 'bin:python3'] as const

describeOn(needs, 'dockerd with ctr-runtime', () => {
  let host: EngineHost
  let daemon: ChildProcess
  const docker = ['docker']

  beforeAll(async () => {
    host = await EngineHost.open(['docker'])
    const socket = `unix://${host.folder}/socket`
    docker.push('--host', socket)
    const config = join(host.folder, 'daemon.json')
    const runtimes = { 'ctr-runtime': { path: host.runtime.path } }
    writeFileSync(config, JSON.stringify({ runtimes, 'default-runtime': 'ctr-runtime' }))
    daemon = await host.startDaemon(
      [
        ...['dockerd', '--config-file', config, '--host', socket, '--storage-driver', 'vfs'],
        ...['--data-root', join(host.folder, 'data'), '--exec-root', join(host.folder, 'exec')],
        ...['--pidfile', join(host.folder, 'pid')],
      ],
      [...docker, 'version'],
    )
    expect(host.run([...docker, 'load', '-i', host.imageArchive(image)])).toMatchObject({ code: 0 })
  }, 180_000)

  afterAll(async () => {
    const left = output('ps', '-aq').split('\n').filter(Boolean)
    if (left.length > 0) run('rm', '-f', ...left)
    await endDaemon(daemon)
    await host.close()
  }, 180_000)

  const run = (...args: readonly string[]) => host.run([...docker, ...args])
  const output = (...args: readonly string[]): string => {
    const { code, stdout, stderr } = run(...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout.trim()
  }
  const start = (name: string, ...args: readonly string[]) => output('run', '-d', '--name', name, ...args)

  it('uses it', () => {
    expect(output('info', '--format', '{{.DefaultRuntime}}')).toBe('ctr-runtime')
  })

  describe('run', () => {
    it('hands on output, input and exit code', () => {
      expect(run('run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 3')).toEqual({
        code: 3,
        stdout: 'out\n',
        stderr: 'err\n',
      })
      const cat = host.run([...docker, 'run', '-i', '--rm', image, 'cat'], { input: 'typed' })
      expect(cat).toMatchObject({ code: 0, stdout: 'typed' })
    })

    it('joins a terminal', async () => {
      const script = 'tty; echo ready; read x; echo got $x; exit 6'
      expect(
        await host.onTerminal('abc\\n', [...docker, 'run', '--rm', '-it', image, 'sh', '-c', script]),
      ).toBe('/dev/pts/0\r\nready\r\nabc\r\ngot abc\r\n\nexit code 6, terminal restored\n')
    })

    it.each([
      [
        'nosuch',
        127,
        'OCI runtime create failed: ctr-runtime create failed: exec: "nosuch": executable file not found',
      ],
      ['/no/such', 127, 'no such file or directory'],
      ['/etc', 126, 'permission denied'],
      ['/etc/passwd', 126, 'permission denied'],
    ])('of %s exits with %i', (command, code, text) => {
      expect(run('run', '--rm', image, command)).toMatchObject({
        code,
        stderr: expect.stringContaining(text),
      })
    })

    it.each([
      [['--init'], 'head -c 17 /proc/1/cmdline', '/sbin/docker-init'],
      [['--pid', 'host', '--uts', 'host', '--ipc', 'host'], '[ $$ -gt 1 ] && echo host', 'host'],
      [
        ['--read-only', '--tmpfs', '/tmp'],
        'touch /x 2>&1; touch /tmp/x && echo ok',
        'touch: /x: Read-only file system\nok',
      ],
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
      [['--ulimit', 'nofile=512:1024'], 'ulimit -n; ulimit -Hn', '512\n1024'],
      [['--sysctl', 'net.ipv4.ip_forward=1'], 'cat /proc/sys/net/ipv4/ip_forward', '1'],
      [['--device', '/dev/null:/dev/nothing'], 'echo x >/dev/nothing && echo written', 'written'],
      [
        ['-v', '/usr:/host:ro', '-v', 'volume:/data'],
        'touch /host/x 2>&1; touch /data/x && ls /data',
        'touch: /host/x: Read-only file system\nx',
      ],
      [
        ['--oom-score-adj', '300', '--shm-size', '8m'],
        'cat /proc/self/oom_score_adj; df /dev/shm | tail -1 | grep -o 8192 | head -1',
        '300\n8192',
      ],
    ])('%j: %s', (options, script, expected) => {
      expect(output('run', '--rm', '--network', 'none', ...options, image, 'sh', '-c', script)).toBe(expected)
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
    const missing = run('exec', 'life', 'nosuch')
    // Docker 20 exits with 126 here whatever the runtime says
    expect([126, 127]).toContain(missing.code)
    expect(missing.stdout + missing.stderr).toContain('exec: "nosuch": executable file not found')
    expect(run('exec', 'life', '/etc').code).toBe(126)
    expect(output('top', 'life')).toContain('echo started')
    expect(output('stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}} {{.PIDs}}', 'life')).toMatch(
      /^life \d.* \/ 64MiB [123]$/,
    )
    output('update', '--memory', '32m', '--memory-swap', '64m', 'life')
    const limit = 'cd /sys/fs/cgroup && cat memory/memory.limit_in_bytes memory.max 2>/dev/null; true'
    expect(output('exec', 'life', 'sh', '-c', limit)).toBe(String(32 * 2 ** 20))
    const status = () => output('inspect', '-f', '{{.State.Status}}', 'life')
    output('pause', 'life')
    expect(status()).toBe('paused')
    output('unpause', 'life')
    expect(status()).toBe('running')
    output('kill', '-s', 'CONT', 'life')
    output('restart', '-t', '10', 'life')
    output('stop', '-t', '10', 'life')
    expect(output('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'life')).toBe('exited 9')
    output('start', 'life')
    output('kill', 'life')
    expect(output('wait', 'life')).toBe('137')
    expect(output('logs', 'life')).toBe('started\nstarted\nstarted')
    output('rm', 'life')
  })

  it('joins a terminal to a process of a container', async () => {
    start('terminal', image, 'sleep', '100')
    const script = 'tty; echo ready; read x; echo got $x; exit 6'
    expect(await host.onTerminal('abc\\n', [...docker, 'exec', '-it', 'terminal', 'sh', '-c', script])).toBe(
      '/dev/pts/0\r\nready\r\nabc\r\ngot abc\r\n\nexit code 6, terminal restored\n',
    )
    output('rm', '-f', 'terminal')
  })

  it('connects containers by networks and ports', () => {
    output('network', 'create', 'web')
    start(
      'server',
      '--network',
      'web',
      '-p',
      '18080:80',
      image,
      'sh',
      '-c',
      'echo hello >/work/x; httpd -f -h /work',
    )
    expect(output('run', '--rm', '--network', 'web', image, 'wget', '-qO-', 'http://server/x')).toBe('hello')
    expect(
      output('run', '--rm', '--network', 'host', image, 'wget', '-qO-', 'http://127.0.0.1:18080/x'),
    ).toBe('hello')
    expect(
      output('run', '--rm', '--network', 'container:server', image, 'wget', '-qO-', 'http://127.0.0.1/x'),
    ).toBe('hello')
    output('rm', '-f', 'server')
    output('network', 'rm', 'web')
  })

  it('says that a container ran out of memory', () => {
    expect(
      run('run', '--name', 'greedy', '--memory', '10m', '--memory-swap', '10m', image, 'tail', '/dev/zero')
        .code,
    ).toBe(137)
    expect(output('inspect', '-f', '{{.State.OOMKilled}}', 'greedy')).toBe('true')
    output('rm', 'greedy')
  })

  it('builds an image', () => {
    const file = join(host.folder, 'Dockerfile')
    writeFileSync(file, `FROM ${image}\nRUN echo made >/made && cat /made\n`)
    const built = host.run([...docker, 'build', '-q', '-t', 'made', '-f', file, join(host.folder, 'image')], {
      env: { DOCKER_BUILDKIT: '0' },
    })
    expect(built).toMatchObject({ code: 0 })
    expect(output('run', '--rm', 'made', 'cat', '/made')).toBe('made')
  })
})
