import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { expect, it, jest } from '@jest/globals'
import { leakCheck, onTerminal } from '@ctr/testing'
import { ended } from './ctrjs.js'
import { describeDaemons } from './remote-suite.js'

jest.setTimeout(120_000)
leakCheck()

describeDaemons('ctrjs -H', (name, { suite, host, run, ok }) => {
  const none = ['--network', 'none']

  it('pulls where an image is missing, hands on output, input and exit codes', async () => {
    const first = await run('run', '--rm', ...none, suite.image, 'sh', '-c', 'echo out; echo err >&2; exit 3')
    expect(first).toMatchObject({ code: 3, stdout: 'out\n' })
    expect(first.stderr).toMatch(/^Unable to find image .* locally\n(.*\n)*err\n$/)
    const cat = ['run', '-i', '--rm', ...none, suite.image, 'cat']
    expect(await suite.ctrjs.feed('typed', '-H', host(), ...cat)).toEqual({
      ...{ code: 0, stdout: 'typed', stderr: '' },
    })
    expect((await run('run', '--rm', ...none, suite.image, 'nosuch')).code).toBe(127)
    expect((await run('run', '--rm', ...none, suite.image, '/etc')).code).toBe(126)
    expect(await ok('ps', '-aq')).toBe('')
  })

  it('joins a terminal, with its size', async () => {
    const script = 'stty size; echo ready; read x; echo got $x; exit 6'
    const line = suite.ctrjs.line('-H', host(), 'run', '--rm', '-it', ...none, suite.image)
    expect(await onTerminal('abc\\n', [...line, 'sh', '-c', script], suite.ctrjs.env)).toMatch(
      /ready\r\nabc\r\ngot abc\r\n\nexit code 6, terminal restored\n$/,
    )
  })

  it('manages containers from their creation to their removal', async () => {
    const script = 'trap "exit 5" TERM; echo $GREETING; sleep 1000 & wait'
    const id = (
      await ok(
        'create',
        '--name',
        'one',
        '-e',
        'GREETING=hi',
        '-l',
        'a=b',
        ...none,
        suite.image,
        'sh',
        '-c',
        script,
      )
    ).trim()
    expect(await ok('start', 'one')).toBe('one\n')
    expect(await ok('ps', '--format', '{{.ID}} {{.Names}} {{.State}} {{.Labels}}')).toBe(
      `${id.slice(0, 12)} one running a=b\n`,
    )
    expect(await ok('ps', '-q', '--no-trunc', '-f', 'label=a=b')).toBe(`${id}\n`)
    expect(await run('exec', '-e', 'X=1', 'one', 'sh', '-c', 'echo $X; exit 4')).toMatchObject({
      ...{ code: 4, stdout: '1\n' },
    })
    expect(await ok('top', 'one')).toMatch(/^UID +PID .*\n(.*\n)*.*sh -c trap/)
    expect(await ok('stats', '--no-stream', 'one')).toMatch(/^CONTAINER ID .*\n[0-9a-f]{12} +one +\d/)
    await ok('update', '--pids-limit', '50', 'one')
    await ok('rename', 'one', 'two')
    await ok('pause', 'two')
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.HostConfig.PidsLimit}}', 'two')).toBe(
      'paused 50\n',
    )
    await ok('unpause', 'two')
    await ok('update', '--pids-limit', '-1', 'two')
    const [stats] = JSON.parse(await ok('stats', '--json', 'two')) as [{ pids_stats: { limit: number } }]
    expect(stats.pids_stats.limit).not.toBe(50)
    while ((await ok('logs', 'two')) === ''); // its trap is set
    await ok('stop', '-t', '60', 'two')
    expect(await ok('wait', 'two')).toBe('5\n')
    await ok('restart', 'two')
    expect((await ok('logs', 'two')).startsWith('hi\n')).toBe(true)
    await ok('kill', 'two')
    expect(await ok('wait', 'two')).toBe('137\n')
    expect(await run('rm', 'two', 'nosuch')).toMatchObject({
      ...{ code: 1, stdout: 'two\n', stderr: expect.stringMatching(/^ctrjs: no such container: nosuch/i) },
    })
  })

  it('attaches to output and passes signals on', async () => {
    const script = 'trap "echo bye; exit 4" USR1; while :; do echo tick; sleep 0.1; done'
    await ok('run', '-d', '--name', 'ticks', ...none, suite.image, 'sh', '-c', script)
    const attached = suite.ctrjs.start('-H', host(), 'attach', 'ticks')
    const heard = ended(attached)
    await once(attached.stdout, 'data')
    attached.kill('SIGUSR1')
    expect(await heard).toMatchObject({ code: 4, stdout: expect.stringMatching(/^(tick\n)+bye\n$/) })
    await ok('rm', 'ticks')
  })

  it('manages images, volumes and networks, and tells of the daemon', async () => {
    await ok('tag', suite.image, 'copy:1')
    expect(await ok('images', '--format', '{{.Repository}}:{{.Tag}}', 'copy')).toBe('copy:1\n')
    expect(await ok('inspect', '--type', 'image', '-f', '{{.Config.Cmd}}', 'copy:1')).toBe('[sh]\n')
    await ok('push', '-q', suite.image)
    const { stderr } = await run('push', '--platform', 'plan9/arm', suite.image)
    expect(stderr).toContain(name === 'dockerd' ? 'older than version 1.48' : 'No such image')
    expect(await ok('rmi', 'copy:1')).toBe('Untagged: copy:1\n')
    expect(await ok('volume', 'create', '--label', 'a=b', 'data')).toBe('data\n')
    expect(await ok('volume', 'inspect', '-f', '{{json .Labels}}', 'data')).toBe('{"a":"b"}\n')
    expect(await ok('volume', 'ls', '-q')).toBe('data\n')
    await ok('volume', 'rm', 'data')
    expect(await ok('network', 'ls')).toMatch(/^NETWORK ID +NAME +DRIVER +SCOPE\n(.*\n)*[0-9a-f]{12} +host /)
    expect(await ok('network', 'inspect', '-f', '{{.Driver}}', 'none')).toBe('null\n')
    expect(await ok('version')).toMatch(/\nServer:\n(.*\n)* ApiVersion: 1\.\d+/)
    expect(await ok('info')).toMatch(/^Server:\n(.*\n)* Driver: /)
    const past = ['--since', '1', '--until', String(Math.floor(Date.now() / 1000) + 1)]
    expect(
      await ok('events', ...past, '-f', 'event=rename', '--format', '{{.Actor.Attributes.oldName}}'),
    ).toBe('/one\n')
  })

  it('refuses what a daemon has no word for', async () => {
    for (const args of [
      ['check'],
      ['network', 'explain', 'x'],
      ['run', '--rootfs', '/'],
      ['system', 'reset', '-f'],
    ]) {
      const { code, stderr } = await run(...args)
      expect({ args, code, stderr }).toMatchObject({
        ...{ args, stderr: expect.stringContaining('leave -H and DOCKER_HOST away') },
      })
      expect(code).not.toBe(0)
    }
  })

  if (name === 'dockerd') {
    it("asks for the same containers as Docker's own client", async () => {
      const flags = [
        ...[
          '-it',
          '--name',
          'same',
          '--network',
          'none',
          '-m',
          '64m',
          '--memory-swap',
          '-1',
          '--cpus',
          '0.5',
        ],
        ...['-e', 'A=1', '-l', 'x=y', '-v', '/tmp:/tmp:ro', '-v', '/anonymous', '--tmpfs', '/t:size=1m'],
        ...['--mount', 'type=tmpfs,target=/m,tmpfs-size=1m,tmpfs-mode=700', '--ulimit', 'nofile=64:128'],
        ...['--device', '/dev/null:/dev/x:rw', '--cap-add', 'NET_ADMIN', '--restart', 'on-failure:2'],
        ...['--health-cmd', 'true', '--health-interval', '3s', '--read-only', '--shm-size', '1m', '-w', '/w'],
        ...[
          '-u',
          '1:2',
          '--stop-signal',
          'SIGINT',
          '--sysctl',
          'kernel.msgmax=1',
          '--add-host',
          'a:10.0.0.1',
        ],
        ...['--dns', '10.0.0.2', '--init', '--entrypoint', '/bin/sh', '--log-driver', 'local', '-h', 'host'],
        ...['--group-add', '7', '--oom-score-adj', '5', '--pids-limit', '9', '-p', '127.0.0.1:8080:80'],
      ]
      const inspected = (): Record<string, unknown> => {
        const { Config, HostConfig } = (
          JSON.parse(docker(host(), 'inspect', 'same')) as Record<string, object>[]
        )[0]!
        docker(host(), 'rm', '-v', 'same')
        return { Config: meaningOf(Config!), HostConfig: meaningOf(HostConfig!) }
      }
      docker(host(), 'create', ...flags, suite.image, '-c', 'true')
      const theirs = inspected()
      await ok('create', ...flags, suite.image, '-c', 'true')
      const ours = inspected()
      expect(ours).toEqual(theirs)
    })
  }
})

function docker(host: string, ...args: string[]): string {
  return execFileSync('docker', ['--host', host, ...args], {
    ...{ encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  })
}

/** Members of a document that say something, with the names of capabilities in their short form. */
function meaningOf(document: object): object {
  const text = JSON.stringify(document).replaceAll('"CAP_', '"')
  return Object.fromEntries(
    Object.entries(JSON.parse(text) as object).filter(
      ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
    ),
  )
}
