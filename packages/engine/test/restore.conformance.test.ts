import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck, type BundledProgram } from '@ctr/testing'
import { dockerEnv, image, needs, setUp } from './support/suite.js'

leakCheck()

/** A daemon of its own process, on the folders of the suite. */
const program = `
import { Engine } from '@ctr/engine'
const [root, state, host] = process.argv.slice(2)
await Engine.start({ root, state, hosts: [host], onError: (error) => console.error(error) })
console.log('listening')
`

describeOn(needs, 'an engine that is killed and started again', () => {
  let bundled: BundledProgram
  let daemon: ChildProcess

  // before the suite's own
  afterAll(async () => {
    const ids = await other('ps', '-aq')
    if (ids !== '') await other('rm', '-f', '-v', ...ids.split('\n'))
    await kill()
    bundled[Symbol.dispose]()
  })
  const suite = setUp()

  async function start(): Promise<void> {
    const { root, state } = suite.engine.runtime
    daemon = spawn(process.execPath, [bundled.path, root, state, `unix://${suite.folder}/other.sock`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    await once(daemon.stdout!, 'data')
  }
  async function kill(): Promise<void> {
    const ended = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await ended
  }
  const other = async (...args: string[]): Promise<string> =>
    await suite.ok('--host', `unix://${suite.folder}/other.sock`, ...args)

  beforeAll(async () => {
    bundled = bundle(program)
    await suite.engine.containers[Symbol.asyncDispose]() // the folders are the daemon's from now on
    await start()
  })
  it('finds containers running, and how those ended that did not', async () => {
    const options = ['-d', '--network', 'none']
    await other(
      'run',
      ...options,
      '--name',
      'goes-on',
      image,
      'sh',
      '-c',
      'while :; do echo tick; sleep 0.05; done',
    )
    await other('run', ...options, '--name', 'ends', image, 'sh', '-c', 'sleep 1; exit 6')
    await other('run', ...options, '--rm', '--name', 'goes', image, 'sleep', '1')
    await other('run', ...options, '--restart', 'always', '--name', 'again', image, 'sleep', '1')
    await other('create', '--name', 'made', '--network', 'none', image)
    const pid = await other('inspect', '-f', '{{.State.Pid}}', 'goes-on')
    await kill()
    await sleep(1500)
    await start()
    expect(await other('inspect', '-f', '{{.State.Pid}} {{.State.Status}}', 'goes-on')).toBe(`${pid} running`)
    expect(await other('inspect', '-f', '{{.State.ExitCode}} {{.State.Status}}', 'ends')).toBe('6 exited')
    expect(await other('inspect', '-f', '{{.State.Status}}', 'made')).toBe('created')
    expect(await other('ps', '-a', '--filter', 'name=^goes$', '-q')).toBe('')
    expect(await other('inspect', '-f', '{{.State.Status}}', 'again')).toBe('running')
    // its output goes on, from where the pipe was full or not
    const lines = (await other('logs', 'goes-on')).split('\n').length
    await sleep(300)
    expect((await other('logs', 'goes-on')).split('\n').length).toBeGreaterThan(lines)
    await other('stop', '-t', '0', 'goes-on')
    expect(await other('wait', 'goes-on')).toBe('137')
  })

  it('knows how well containers are, and ends the probe that was left', async () => {
    const probe = 'test -e /tmp/hang && sleep 1000; test -e /tmp/hang || touch /tmp/hang'
    await other(
      ...['run', '-d', '--network', 'none', '--name', 'checked', '--health-cmd', probe],
      ...['--health-interval', '50ms', '--health-timeout', '1h', image, 'sleep', '1000000'],
    )
    const health = (): Promise<string> => other('inspect', '-f', '{{.State.Health.Status}}', 'checked')
    const hanging = async (): Promise<number> =>
      (await other('top', 'checked')).split('\n').filter((line) => line.endsWith(' sleep 1000')).length
    for (let waited = 0; waited < 1000 && (await hanging()) === 0; waited++) await sleep(50)
    expect([await health(), await hanging()]).toEqual(['healthy', 1])
    await kill()
    await start()
    expect(await health()).toBe('healthy')
    for (let looks = 0; looks < 20; looks++) {
      expect(await hanging()).toBeLessThan(2)
      await sleep(20)
    }
    await other('rm', '-f', 'checked')
  })

  it('keeps the input of a program open that waits for more', async () => {
    const script = 'while read line; do echo "got $line"; done; echo end'
    await other('run', '-di', '--network', 'none', '--name', 'reads', image, 'sh', '-c', script)
    await kill()
    await sleep(200)
    await start()
    const env = dockerEnv(`${suite.folder}/other.sock`)
    const attached = spawn('docker', ['attach', 'reads'], { env, stdio: ['pipe', 'ignore', 'inherit'] })
    attached.stdin.end('more\n')
    while (!(await other('logs', 'reads')).includes('got more')) await sleep(20)
    attached.kill()
    expect(await other('inspect', '-f', '{{.State.Status}}', 'reads')).toBe('running')
    expect(await other('logs', 'reads')).toBe('got more')
    await other('rm', '-f', 'reads')
  })

  it('restarts by policy, so many times', async () => {
    await other(
      'run',
      '-d',
      '--network',
      'none',
      '--restart',
      'on-failure:2',
      '--name',
      'fails',
      image,
      'sh',
      '-c',
      'exit 1',
    )
    for (let waited = 0; waited < 100; waited++) {
      const state = await other('inspect', '-f', '{{.RestartCount}} {{.State.Status}}', 'fails')
      if (state === '2 exited') return
      await sleep(50)
    }
    expect(await other('inspect', '-f', '{{.RestartCount}} {{.State.Status}}', 'fails')).toBe('2 exited')
  })
})
