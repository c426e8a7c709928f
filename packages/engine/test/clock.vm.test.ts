import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Engine } from '../src/index.js'
import { addBusybox, image, needs, setUp } from './support/suite.js'

leakCheck()
jest.setTimeout(600_000) // the machine is emulated

const hour = 3600
/** By how much the clock of this machine was set, in seconds. */
let set = 0
function setClock(seconds: number): void {
  execFileSync('date', ['-s', `@${Math.round(Date.now() / 1000) + seconds}`])
  set += seconds
}
afterEach(() => {
  if (set !== 0) setClock(-set)
})

describeOn(needs, 'an engine whose clock jumps', () => {
  const suite = setUp()
  const ok = (...args: string[]): Promise<string> => suite.ok(...args)
  const quiet = ['--network', 'none']
  const probes = async (): Promise<number> => Number(await ok('exec', 'checked', 'sh', '-c', 'wc -l </tmp/n'))

  it('probes on, forwards and backwards, and does not take a start period for over', async () => {
    await addBusybox(suite.engine.runtime, 'checked:1', {
      Healthcheck: {
        Test: ['CMD-SHELL', 'echo >>/tmp/n; false'],
        ...{ StartPeriod: 2 * hour * 1e9, StartInterval: 50e6, Interval: 50e6, Retries: 1 },
      },
    })
    await ok('run', '-d', '--name', 'checked', ...quiet, 'checked:1', 'sleep', '100000')
    for (const seconds of [24 * hour, -72 * hour]) {
      setClock(seconds)
      const before = await probes().catch(() => 0)
      while ((await probes().catch(() => 0)) < before + 3) await sleep(50)
      const state = '{{.State.Health.Status}} {{.State.Health.FailingStreak}}'
      expect(await ok('inspect', '-f', state, 'checked')).toBe('starting 0')
    }
    await ok('rm', '-f', 'checked')
  })

  it('stamps logs by the new time, and ends those who follow to a time', async () => {
    const script = 'while read x; do echo "$x"; done'
    await ok('run', '-di', '--name', 'says', ...quiet, image, 'sh', '-c', script)
    const until = String(Date.now() / 1000 + 2 * hour)
    const following = ok('logs', '-f', '--until', until, 'says')
    const listening = ok('events', '--since', until, '--until', until)
    for (const seconds of [-24 * hour, 48 * hour]) {
      setClock(seconds)
      await suite.docker('exec', 'says', 'sh', '-c', 'echo now >/proc/1/fd/1')
      let last: string | undefined
      const day = new Date().toISOString().slice(0, 10)
      while (last?.startsWith(day) !== true) last = (await ok('logs', '-t', 'says')).split('\n').at(-1)
    }
    expect(await following).toBe('now')
    await listening
    await ok('rm', '-f', 'says')
  })

  it('knows how long a run was, and so when to wait before the next one', async () => {
    await ok(
      'run',
      '-d',
      '--name',
      'long',
      ...quiet,
      image,
      'sh',
      '-c',
      'while ! [ -e /end ]; do sleep 0.1; done',
    )
    setClock(24 * hour)
    await ok('exec', 'long', 'touch', '/end')
    await ok('wait', 'long')
    const line = (await suite.pastEvents('{{.Action}} {{.Actor.Attributes.execDuration}}')).find((event) =>
      event.startsWith('die'),
    )
    expect(Number(line!.split(' ')[1])).toBeLessThan(hour)
    await ok('rm', '-f', 'long')
  })

  it('learns of an end that came while it was away, whatever the times say', async () => {
    const { root, state } = suite.engine.runtime
    await suite.engine.containers[Symbol.asyncDispose]() // the folders are of the others from now on
    const socket = `unix://${suite.folder}/other.sock`
    const other = (...args: string[]): Promise<string> => ok('--host', socket, ...args)
    const start = (): Promise<Engine> => Engine.start({ root, state, hosts: [socket] })
    const first = await start()
    const script = 'if [ -e /ran ]; then read x; exit 7; fi; touch /ran'
    await other('run', '-i', '--name', 'ends', ...quiet, image, 'sh', '-c', script)
    setClock(-24 * hour)
    await other('start', 'ends')
    const pid = await other('inspect', '-f', '{{.State.Pid}}', 'ends')
    await first.close() // it reads the end of its input, and ends
    while (existsSync(`/proc/${pid}`)) await sleep(50)
    const second = await start()
    // with which code nobody knows who was not there, before Linux 6.15
    expect(['7', '255']).toContain(await other('wait', 'ends'))
    expect(await other('inspect', '-f', '{{.State.Status}}', 'ends')).toBe('exited')
    await other('rm', '-f', 'ends')
    await second.close()
  })
})
