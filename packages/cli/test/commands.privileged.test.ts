import { once } from 'node:events'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ended } from './ctrjs.js'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'commands of ctrjs without a daemon', () => {
  const suite = setUp()
  const run = async (...args: string[]) => await suite.ctrjs.run(...args)
  const none = ['--network', 'none']

  it('creates a container, starts it, again and again, and waits for it', async () => {
    const script = 'echo x >> /file; cat /file; exit 3'
    const made = await run('create', '--name', 'again', ...none, suite.image, 'sh', '-c', script)
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/), stderr: '' })
    expect((await run('wait', 'again')).stdout).toBe('0\n')
    expect((await run('ps', '-a', '--format', '{{.Names}} {{.State}}')).stdout).toBe('again created\n')
    expect(await run('start', 'again')).toEqual({ code: 0, stdout: 'again\n', stderr: '' })
    expect((await run('wait', 'again')).stdout).toBe('3\n')
    expect(await run('start', '-a', 'again')).toEqual({ code: 3, stdout: 'x\nx\n', stderr: '' })
    expect((await run('restart', 'again')).code).toBe(0)
    await run('wait', 'again')
    expect((await run('logs', 'again')).stdout).toBe('x\nx\nx\nx\nx\nx\n')
    await run('rm', 'again')
  })

  it('starts again what was run in the background, restarts, renames, updates and looks into it', async () => {
    const mount = [
      '--mount',
      'type=tmpfs,target=/scratch,tmpfs-size=1m',
      '--mount',
      'type=volume,target=/data',
    ]
    const script = 'trap "exit 0" TERM; echo up; while :; do sleep 1000 & wait; done'
    await run('run', '-d', '--name', 'old', ...none, ...mount, '-m', '64m', suite.image, 'sh', '-c', script)
    expect((await run('rename', 'old', 'new')).code).toBe(0)
    expect((await run('update', '--pids-limit', '50', 'new')).stdout).toBe('new\n')
    const format = '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.State.Status}}'
    expect((await run('inspect', '-f', format, 'new')).stdout).toBe('67108864 50 running\n')
    expect((await run('update', '--pids-limit', '-1', 'new')).stdout).toBe('new\n')
    expect(JSON.parse((await run('stats', '--json', 'new')).stdout)).toMatchObject([
      { pids: { limit: 'max' }, memory: { limit: 67_108_864 } },
    ])
    expect((await run('exec', 'new', 'cat', '/proc/mounts')).stdout).toMatch(
      /tmpfs \/scratch tmpfs \S*size=1024k/,
    )
    expect((await run('top', 'new')).stdout).toMatch(/^UID +PID .*\n(.*\n)*.*sh -c trap/)
    expect((await run('top', 'new', '-o', 'args')).stdout).toMatch(/^COMMAND\n(.*\n)*sh -c trap/)
    const attached = suite.ctrjs.start('attach', 'new')
    const heard = ended(attached)
    const [before] = (await run('inspect', '-f', '{{.State.Pid}}', 'new')).stdout.split('\n')
    expect((await run('restart', '-t', '30', 'new')).code).toBe(0)
    expect((await heard).code).toBe(0)
    expect((await run('inspect', '-f', '{{.State.Pid}}', 'new')).stdout.split('\n')).not.toContain(before)
    await run('stop', 'new')
    expect((await run('start', 'new')).code).toBe(0)
    expect((await run('logs', 'new')).stdout.startsWith('up\nup\n')).toBe(true)
    expect((await run('rm', '-fv', 'new')).code).toBe(0)
    expect((await run('volume', 'ls', '-q')).stdout).toBe('')
  })

  it('attaches to what a container in the background prints, and passes signals on', async () => {
    const script = 'trap "echo bye; exit 4" USR1; while :; do echo tick; sleep 0.1; done'
    await run('run', '-d', '--name', 'ticks', ...none, suite.image, 'sh', '-c', script)
    const attached = suite.ctrjs.start('attach', 'ticks')
    const heard = ended(attached)
    await once(attached.stdout, 'data')
    attached.kill('SIGUSR1')
    expect(await heard).toMatchObject({
      code: 4,
      stdout: expect.stringMatching(/^(tick\n)+bye\n$/),
      stderr: '',
    })
    await run('rm', 'ticks')
  })

  it('shows ports, filters lists and says what is used', async () => {
    await run(
      'run',
      '-d',
      '--name',
      'web',
      '-l',
      'tier=front',
      '-p',
      '127.0.0.1::80',
      suite.image,
      'sleep',
      '1000',
    )
    expect((await run('port', 'web')).stdout).toMatch(/^80\/tcp -> 127\.0\.0\.1:\d+\n$/)
    expect((await run('port', 'web', '80')).stdout).toMatch(/^127\.0\.0\.1:\d+\n$/)
    expect(await run('port', 'web', '81')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^ctrjs: no public port '81\/tcp' published for web\n/),
    })
    const shown = ['--format', 'table {{.Names}}\t{{.Labels}}']
    expect((await run('ps', '-f', 'label=tier', ...shown)).stdout).toBe(
      'NAMES   LABELS\nweb     tier=front\n',
    )
    expect((await run('ps', '-q', '-f', 'label=tier=back')).stdout).toBe('')
    expect(await run('ps', '-f', 'colour=red')).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^ctrjs: invalid filter "colour"/),
    })
    expect((await run('images', '--format', '{{.Repository}}:{{.Tag}}')).stdout).toBe(`${suite.image}\n`)
    expect((await run('images', '-q', '-f', 'dangling=true')).stdout).toBe('')
    expect((await run('system', 'df')).stdout).toMatch(
      /^TYPE .*\nImages +1 +1 .*\nContainers +1 +1 .*\nLocal Volumes/,
    )
    await run('stop', '-t', '0', 'web')
    expect((await run('container', 'prune', '-f')).stdout).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\n$/)
  })

  it('says in one line what needs a daemon', async () => {
    const start = 'without a daemon: start `ctrjs daemon` and name it by -H or DOCKER_HOST'
    for (const [args, what] of [
      [['events'], 'tell of events'],
      [['run', '-d', '--restart', 'always', suite.image], 'restart a container by itself (--restart always)'],
      [['run', '--health-cmd', 'true', suite.image], 'serve --health-cmd'],
      [
        ['create', '--rm', suite.image],
        'remove a container at its end that is started by another command (--rm)',
      ],
      [
        ['run', '-dit', suite.image],
        'keep input or a terminal for a container in the background (-d with -i or -t)',
      ],
    ] as const) {
      const { code, stderr } = await run(...args)
      expect({ code, stderr }).toEqual({
        code: expect.any(Number),
        stderr: `ctrjs: cannot ${what} ${start}\n`,
      })
      expect(code).not.toBe(0)
    }
    await run('run', '--name', 'once', ...none, suite.image, 'true')
    expect((await run('start', 'once')).stderr).toContain('cannot start once again')
    await run('rm', 'once')
    expect((await run('ps', '-aq')).stdout).toBe('')
  })
})
