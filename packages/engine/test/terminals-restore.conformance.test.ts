import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import Docker from 'dockerode'
import { describeOn, leakCheck, onTerminal } from '@ctr/testing'
import { Daemon, type DaemonPlace } from './support/daemon.js'
import { dockerEnv, image, needs, setUp } from './support/suite.js'

leakCheck()
jest.setTimeout(60_000)

describeOn(
  [...needs, 'bin:python3', 'bin:prlimit'],
  'containers on terminals, whose daemon is killed',
  () => {
    const daemon = new Daemon()
    let place: DaemonPlace

    // before the suite's own
    afterAll(async () => {
      const ids = await docker('ps', '-aq')
      if (ids !== '') await docker('rm', '-f', '-v', ...ids.split('\n'))
      await daemon.kill()
      daemon[Symbol.dispose]()
    })
    const suite = setUp()
    const docker = (...args: string[]): Promise<string> =>
      suite.ok('--host', `unix://${place.socket}`, ...args)
    const run = async (name: string, script: string, ...flags: string[]): Promise<number> => {
      await docker('run', '-dt', ...flags, '--name', name, '--network', 'none', image, 'sh', '-c', script)
      return Number(await docker('inspect', '-f', '{{.State.Pid}}', name))
    }
    /** On a terminal of 30 rows and 100 columns. */
    const attach = (typed: string, ...args: string[]): Promise<string> =>
      onTerminal(typed, ['docker', 'attach', ...args], dockerEnv(place.socket))
    const restart = async (): Promise<void> => {
      await daemon.kill()
      await sleep(300)
      await daemon.start(place)
    }
    /** The process that keeps terminals, where there is one. */
    const keeper = (): number | undefined => {
      const note = existsSync(`${place.state}/terminals`)
        ? readFileSync(`${place.state}/terminals`, 'utf8')
        : ''
      return note === '' ? undefined : (JSON.parse(note) as { readonly pid: number }).pid
    }
    const isGone = async (pid: number): Promise<void> => {
      while (existsSync(`/proc/${pid}`)) await sleep(20)
    }

    beforeAll(async () => {
      await suite.engine.containers[Symbol.asyncDispose]() // the folders are the daemon's from now on
      const { root, state } = suite.engine.runtime
      place = { root, state, socket: `${suite.folder}/other.sock` }
      await daemon.start(place)
    })

    it('go on, and are attached to: keys, size, what is printed, exit code', async () => {
      expect(keeper()).toBeUndefined()
      const asks = 'until read -t 1 x; do echo ready; done; stty size; echo "got $x"; exit 3'
      const pid = await run('asks', asks, '-i')
      for (let times = 0; times < 3; times++) await restart()
      expect(await docker('inspect', '-f', '{{.State.Pid}} {{.State.Status}}', 'asks')).toBe(`${pid} running`)
      const shown = await attach('hello\\r', 'asks')
      expect(shown).toMatch(/ready\r\n(?:.*\r\n)*30 100\r\ngot hello\r\n/)
      expect(shown).toMatch(/\nexit code 3, terminal restored\n$/)
      expect(await docker('wait', 'asks')).toBe('3')
      expect(await docker('logs', 'asks')).toMatch(/ready\r\n[^]*30 100\r\r?\ngot hello\r?$/)
    })

    it('are resized and typed into by dockerode, and let go of by keys', async () => {
      const pid = await run('shell', 'while :; do echo ready; read -t 1 x && eval "$x"; done', '-i')
      await restart()
      const container = new Docker({ socketPath: place.socket }).getContainer('shell')
      await container.resize({ h: 11, w: 22 })
      const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true })
      let printed = ''
      stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      stream.write('stty size; tty\n')
      while (!printed.includes('/dev/pts/0\r\n')) await sleep(20)
      expect(printed).toContain('11 22\r\n')
      stream.end()
      expect(await attach('\\x10\\x11', 'shell')).toMatch(
        /read escape sequence\r?\n\nexit code \d, terminal restored\n$/,
      )
      expect(await docker('inspect', '-f', '{{.State.Pid}} {{.State.Status}}', 'shell')).toBe(
        `${pid} running`,
      )
      await docker('kill', 'shell')
      expect(await docker('wait', 'shell')).toBe('137')
    })

    it('wait with what they print while no daemon is there, and lose nothing of it', async () => {
      const pid = await run(
        'prints',
        'until [ -e /go ]; do sleep 0.05; done; seq 1 60000; touch /done; exit 4',
      )
      await daemon.kill()
      writeFileSync(`/proc/${pid}/root/go`, '')
      await sleep(1500)
      expect(existsSync(`/proc/${pid}/root/done`)).toBe(false)
      await daemon.start(place)
      expect(await docker('wait', 'prints')).toBe('4')
      const expected = Array.from({ length: 60_000 }, (_, n) => `${n + 1}`)
      expect((await docker('logs', 'prints')).trimEnd().split(/\r?\n/)).toEqual(expected)
    })

    it('have their last words in the log when they end while no daemon is there', async () => {
      const pid = await run('ends', 'until [ -e /go ]; do sleep 0.05; done; echo last words; exit 7')
      const again = await run(
        'again',
        'until [ -e /tmp/go ]; do sleep 0.05; done; echo once',
        '--restart',
        'always',
      )
      await daemon.kill()
      writeFileSync(`/proc/${pid}/root/go`, '')
      writeFileSync(`/proc/${again}/root/tmp/go`, '')
      await Promise.all([isGone(pid), isGone(again)])
      await daemon.start(place)
      expect(await docker('inspect', '-f', '{{.State.ExitCode}} {{.State.Status}}', 'ends')).toBe('7 exited')
      expect(await docker('logs', 'ends')).toBe('last words\r')
      while (!/once[^]*once/.test(await docker('logs', 'again'))) await sleep(50)
      await docker('rm', '-f', 'again')
    })

    it('are kept by one process, which ends with the last of them', async () => {
      await docker('container', 'prune', '-f')
      while (keeper() !== undefined) await sleep(20)
      await docker('run', '-d', '--name', 'plain', '--network', 'none', image, 'sleep', '1000')
      expect(keeper()).toBeUndefined()
      await run('one', 'sleep 1000')
      const kept = keeper()!
      await run('two', 'sleep 1000')
      await restart()
      await run('three', 'sleep 1000')
      expect(keeper()).toBe(kept)
      const status = readFileSync(`/proc/${kept}/status`, 'latin1')
      expect(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(100)
      await docker('rm', '-f', 'one', 'two')
      expect(existsSync(`/proc/${kept}`)).toBe(true)
      await docker('rm', '-f', 'three', 'plain')
      await isGone(kept)
      expect([keeper(), daemon.reports]).toEqual([undefined, ''])
    })
  },
)
