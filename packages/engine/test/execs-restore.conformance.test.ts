import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Daemon, type DaemonPlace } from './support/daemon.js'
import { image, needs, setUp } from './support/suite.js'

leakCheck()
jest.setTimeout(60_000)

describeOn([...needs, 'bin:prlimit'], 'programs that exec has started, whose daemon is killed', () => {
  const daemon = new Daemon()
  let place: DaemonPlace

  // before the suite's own
  afterAll(async () => {
    await daemon.end('SIGTERM')
    daemon[Symbol.dispose]()
  })
  const suite = setUp()
  const docker = (...args: string[]): Promise<string> => suite.ok('--host', `unix://${place.socket}`, ...args)
  const client = (): Docker => new Docker({ socketPath: place.socket })
  const make = (options: Docker.ExecCreateOptions): Promise<Docker.Exec> =>
    client()
      .getContainer('box')
      .exec({ AttachStdout: true, AttachStderr: true, ...options })
  /** Starts a script, attached on a terminal or without one. */
  async function start(script: string, options: Docker.ExecCreateOptions = {}): Promise<string> {
    const exec = await make({ Cmd: ['sh', '-c', script], AttachStdin: true, ...options })
    const stream = await exec.start({ hijack: true, stdin: true, Tty: options.Tty ?? false })
    stream.on('error', () => undefined).resume()
    await note(exec.id)
    return exec.id
  }
  async function note(id: string): Promise<void> {
    while (!kept().some((name) => name.includes(id))) await sleep(5)
  }
  const inspect = (id: string): Promise<Docker.ExecInspectInfo> => client().getExec(id).inspect()
  async function execIds(): Promise<readonly string[] | null> {
    const shown: unknown = await client().getContainer('box').inspect()
    return (shown as { readonly ExecIDs: string[] | null }).ExecIDs
  }
  const inside = (script: string): Promise<string> => docker('exec', 'box', 'sh', '-c', script)
  const kept = (): string[] => readdirSync(`${place.state}/execs`)
  const keeper = (): number | undefined => {
    const path = `${place.state}/terminals`
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    return text === '' ? undefined : (JSON.parse(text) as { readonly pid: number }).pid
  }
  async function restart(signal: NodeJS.Signals): Promise<void> {
    await daemon.end(signal)
    await daemon.start(place)
  }
  async function ended(id: string): Promise<Docker.ExecInspectInfo> {
    for (;;) {
      const now = await inspect(id)
      if (!now.Running) return now
      await sleep(20)
    }
  }
  async function ends(): Promise<string[]> {
    const until = String(Math.floor(Date.now() / 1000) + 1)
    const format = '{{.Action}} {{.Actor.Attributes.execID}} {{.Actor.Attributes.exitCode}}'
    const lines = await docker('events', '--since', '1', '--until', until, '--format', format)
    return lines.split('\n').filter((line) => line.startsWith('exec_die'))
  }

  beforeAll(async () => {
    await suite.engine.containers[Symbol.asyncDispose]() // the folders are the daemon's from now on
    const { root, state } = suite.engine.runtime
    place = { root, state, socket: `${suite.folder}/other.sock` }
    await daemon.start(place)
    await docker('run', '-d', '--name', 'box', '--network', 'none', image, 'sleep', '1000000')
  })
  afterEach(() => {
    expect(daemon.reports).toBe('')
  })

  describe.each(['SIGKILL', 'SIGTERM'] as const)('by %s', (signal) => {
    it('go on, are shown as they were, and their ends are told of', async () => {
      const script = 'until [ -e /tmp/go ]; do sleep 0.05; done; exit'
      const attached = await start(`${script} 4`, { Env: ['SECRET=word'], User: 'app' })
      const detached = await make({ Cmd: ['sh', '-c', `${script} 5`] })
      await detached.start({ Detach: true })
      await note(detached.id)
      expect(
        kept()
          .map((name) => name.replace(/.*\.json$/, ''))
          .join(''),
      ).not.toContain('word')
      const before = await inspect(attached)
      expect(before).toMatchObject({ Running: true, ExitCode: null, OpenStdin: true })
      for (let times = 0; times < 2; times++) await restart(signal)
      expect(await inspect(attached)).toEqual(before)
      expect([...(await execIds())!].sort()).toEqual([attached, detached.id].sort())
      await expect(client().getExec(attached).start({})).rejects.toMatchObject({ statusCode: 409 })
      await inside('touch /tmp/go')
      expect([await ended(attached), await ended(detached.id)]).toMatchObject([
        { ExitCode: 4, Running: false },
        { ExitCode: 5, Running: false },
      ])
      await inside('rm /tmp/go')
      const told = await ends()
      expect(told).toContain(`exec_die ${attached} 4`)
      expect(told).toContain(`exec_die ${detached.id} 5`)
      while (kept().length > 0) await sleep(20)
      expect(await execIds()).toBeNull()
    })

    it('go on, on terminals that have their size and are read', async () => {
      const script = 'until [ -e /tmp/go ]; do sleep 0.05; done; stty size >/tmp/size; seq 1 60000; exit 6'
      const detached = await make({ Cmd: ['sh', '-c', script], Tty: true })
      await detached.start({ Detach: true, Tty: true })
      await note(detached.id)
      const ids = [detached.id, await start(script, { Tty: true })]
      await sleep(200) // whoever reads from one need not wait until it is kept
      const kept = keeper()
      expect(kept).toBeDefined()
      await restart(signal)
      for (const id of ids) {
        expect(await inspect(id)).toMatchObject({ Running: true })
        await client().getExec(id).resize({ h: 11, w: 22 })
      }
      await inside('touch /tmp/go')
      for (const id of ids) expect(await ended(id)).toMatchObject({ ExitCode: 6 })
      expect(await inside('cat /tmp/size; rm /tmp/size /tmp/go')).toBe('11 22')
      while (existsSync(`/proc/${kept}`)) await sleep(20)
      expect(keeper()).toBeUndefined()
    })

    it('are told of that have ended while no daemon was there', async () => {
      const script = 'until [ -e /tmp/go ]; do sleep 0.05; done; exit 7'
      const id = await start(script, { Tty: true })
      const { Pid } = await inspect(id)
      await sleep(400) // from then on it is known how it ends
      await daemon.end(signal)
      const made = spawn('touch', [`/proc/${Pid}/root/tmp/go`])
      await new Promise((resolve) => made.on('exit', resolve))
      while (existsSync(`/proc/${Pid}`)) await sleep(20)
      await daemon.start(place)
      expect(await ended(id)).toMatchObject({ ExitCode: 7, Running: false })
      expect(await ends()).toContain(`exec_die ${id} 7`)
      await inside('rm /tmp/go')
    })

    it('go with their container, whoever removes it, and leave nothing', async () => {
      await docker('run', '-d', '--name', 'gone', '--network', 'none', image, 'sleep', '1000000')
      const other = client().getContainer('gone')
      for (const Tty of [false, true]) {
        const exec = await other.exec({ Cmd: ['sleep', '1000'], Tty })
        await exec.start({ Detach: true })
        await note(exec.id)
      }
      const first = keeper()!
      await restart(signal)
      await docker('rm', '-f', 'gone')
      while (existsSync(`/proc/${first}`)) await sleep(20)
      expect([kept(), keeper()]).toEqual([[], undefined])
    })
  })

  it('are not found that were never started, as with Docker', async () => {
    const { id } = await make({ Cmd: ['true'] })
    await restart('SIGKILL')
    await expect(inspect(id)).rejects.toMatchObject({ statusCode: 404 })
  })

  it('leave nothing of a daemon that is killed while it starts them', async () => {
    for (let times = 0; times < 12; times++) {
      const work = [false, true, true].map(async (Tty) => {
        const exec = await make({ Cmd: ['sleep', '1000'], Tty })
        await exec.start({ Detach: true, Tty })
      })
      const settled = Promise.race([Promise.allSettled(work), sleep(2000)])
      await sleep(Math.random() * 25)
      await daemon.end('SIGKILL')
      await settled
      await daemon.start(place)
    }
    const first = keeper()
    await docker('rm', '-f', 'box')
    while (first !== undefined && existsSync(`/proc/${first}`)) await sleep(20)
    expect([kept(), keeper()]).toEqual([[], undefined])
  })
})
