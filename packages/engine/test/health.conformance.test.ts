import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { addBusybox, image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'health checks', () => {
  const suite = setUp()
  const ok = (...args: string[]): Promise<string> => suite.ok(...args)
  const health = (name: string): Promise<string> =>
    ok('inspect', '-f', '{{.State.Health.Status}} {{.State.Health.FailingStreak}}', name)
  /** Waits until a container is as it should be. */
  async function comes(name: string, wanted: string): Promise<void> {
    for (let tries = 0; tries < 1000 && !(await health(name)).startsWith(wanted); tries++) await sleep(50)
    expect(await health(name)).toMatch(new RegExp(`^${wanted}`))
  }
  const run = async (name: string, ...args: string[]): Promise<void> => {
    await ok('run', '-d', '--network', 'none', '--name', name, ...args)
  }
  const sleeper = [image, 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done']

  it('become healthy, unhealthy and healthy again, with results, events and filters', async () => {
    const from = String(Date.now() / 1000 - 1)
    const command = 'echo checked; cat /tmp/well'
    await run(
      'well',
      '--health-cmd',
      command,
      '--health-interval',
      '50ms',
      '--health-retries',
      '2',
      ...sleeper,
    )
    expect(await ok('ps', '--format', '{{.Status}}', '--filter', 'name=well')).toMatch(
      /^Up .* \((health: starting|unhealthy)\)$/,
    )
    await comes('well', 'unhealthy')
    const failed = await ok('inspect', '-f', '{{json .State.Health.Log}}', 'well')
    expect((JSON.parse(failed) as unknown[]).at(-1)).toEqual({
      Start: expect.stringMatching(/^\d{4}-/),
      End: expect.stringMatching(/^\d{4}-/),
      ExitCode: 1,
      Output: expect.stringMatching(/^checked\n[^]*No such file/),
    })
    expect(await ok('ps', '--filter', 'health=unhealthy', '--format', '{{.Names}}')).toBe('well')
    await ok('exec', 'well', 'touch', '/tmp/well')
    await comes('well', 'healthy 0')
    expect(await ok('ps', '--filter', 'health=healthy', '--format', '{{.Names}} {{.Status}}')).toMatch(
      /^well Up .* \(healthy\)$/,
    )
    await sleep(500)
    expect(await ok('inspect', '-f', '{{len .State.Health.Log}}', 'well')).toBe('5')
    await ok('stop', 'well')
    expect(await health('well')).toBe('unhealthy 0')
    const events = await ok(
      ...['events', '--since', from, '--until', String(Date.now() / 1000 + 1)],
      ...['--filter', 'event=health_status', '--format', '{{.Action}} {{.Actor.Attributes.name}}'],
    )
    expect(events).toBe('health_status: unhealthy well\nhealth_status: healthy well')
    await ok('start', 'well')
    await comes('well', 'healthy')
    await ok('rm', '-f', 'well')
  })

  it('do not count once the program has begun to end', async () => {
    const often = ['--health-interval', '10ms', '--health-retries', '1', '--health-cmd', 'true']
    await run('ends', ...often, ...sleeper)
    await comes('ends', 'healthy 0')
    for (let times = 0; times < 20; times++) {
      await ok('kill', 'ends')
      expect(await health('ends')).toBe('unhealthy 0')
      await ok('start', 'ends')
      await comes('ends', 'healthy 0')
    }
    await ok('rm', '-f', 'ends')
  })

  it('are those of the image, as far as nothing else is said, and none with --no-healthcheck', async () => {
    await addBusybox(suite.engine.runtime, 'checked:1', {
      Healthcheck: { Test: ['CMD', 'test', '-e', '/tmp'], Interval: 50_000_000, Retries: 7 },
    })
    const program = sleeper.slice(1)
    await run('of-image', '--health-timeout', '9s', 'checked:1', ...program)
    await comes('of-image', 'healthy')
    expect(JSON.parse(await ok('inspect', '-f', '{{json .Config.Healthcheck}}', 'of-image'))).toEqual({
      ...{ Test: ['CMD', 'test', '-e', '/tmp'], Interval: 50_000_000, Timeout: 9_000_000_000, Retries: 7 },
    })
    await run('without', '--no-healthcheck', 'checked:1', ...program)
    expect(await ok('inspect', '-f', '{{json .State.Health}}', 'without')).toBe('null')
    expect(await ok('ps', '--filter', 'health=none', '--format', '{{.Names}}')).toBe('without')
    await ok('rm', '-f', 'of-image', 'without')
  })

  it('do not count within the start period, and come more often in it', async () => {
    const times = [
      '--health-start-period',
      '1h',
      '--health-start-interval',
      '20ms',
      '--health-interval',
      '1h',
    ]
    await run('starts', '--health-cmd', 'echo x >>/tmp/n; test -e /tmp/up', ...times, ...sleeper)
    for (;;) if ((await ok('exec', 'starts', 'sh', '-c', 'cat /tmp/n | wc -l')) > '5') break
    expect(await health('starts')).toBe('starting 0')
    await ok('exec', 'starts', 'touch', '/tmp/up')
    await comes('starts', 'healthy')
    await ok('rm', '-f', 'starts')
  })

  it('are one at a time, ended when they hang, and bounded in what they print', async () => {
    const hang = 'yes | head -c 100000; echo $$ >>/tmp/n; sleep 1000'
    const often = ['--health-interval', '10ms', '--health-timeout', '400ms', '--health-retries', '3']
    await run('hangs', '--health-cmd', hang, ...often, ...sleeper)
    await comes('hangs', 'unhealthy')
    const { ExitCode, Output } = JSON.parse(
      await ok('inspect', '-f', '{{json (index .State.Health.Log 0)}}', 'hangs'),
    ) as { readonly ExitCode: number; readonly Output: string }
    expect(ExitCode).toBe(-1)
    expect(Output).toMatch(/^Health check exceeded timeout \(0\.4s\): y\ny\n/)
    expect(Output.length).toBeLessThan(4200)
    const count = 'ps -o args | grep -cx "sleep 1000"'
    for (let looks = 0; looks < 10; looks++)
      expect(Number((await suite.docker('exec', 'hangs', 'sh', '-c', count)).stdout)).toBeLessThan(2)
    await ok('pause', 'hangs')
    await ok('unpause', 'hangs')
    await ok('rm', '-f', 'hangs')
  })

  it('are refused when they cannot be', async () => {
    const refused = await suite.docker('create', '--health-cmd', 'true', '--health-retries', '-1', image)
    expect(refused.code).not.toBe(0)
    const { stderr } = await suite.docker('create', '--health-cmd', 'true', '--health-interval', '1us', image)
    expect(stderr).toContain('1ms')
  })
})
