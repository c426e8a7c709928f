import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck, onTerminal, temporaryFolder } from '@ctr/testing'
import { lockFolder } from '../src/oci/state/folder-lock.js'
import { CtrRuntime } from './support/ctr-runtime.js'

jest.setTimeout(60_000)

let folder: ReturnType<typeof temporaryFolder>
let runtime: CtrRuntime

beforeAll(() => {
  folder = temporaryFolder()
  runtime = new CtrRuntime(folder.path)
})

afterAll(() => {
  folder[Symbol.dispose]()
})

leakCheck() // after the folder is gone: such calls are made in the order they are written in

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; !condition(); n++) {
    if (n === 200) throw new Error('it has not come about')
    await sleep(50)
  }
}

const status = (id: string): string =>
  (JSON.parse(runtime.run('state', id).stdout) as { status: string }).status

describe('ctr-runtime without containers', () => {
  it('says its version and what there is', () => {
    expect(runtime.run('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ctr-runtime version \d+\.\d+\.\d+\n(commit: \S+\n)?spec: 1\.\d\.\d\n/),
      stderr: '',
    })
    expect(runtime.run('--help').stdout).toContain('\nCOMMANDS:\n   checkpoint ')
    expect(runtime.run().stdout).toBe(runtime.run('-h').stdout)
    expect(runtime.run('help', 'exec').stdout).toBe(runtime.run('exec', '--cwd', 'x', '-h').stdout)
    expect(runtime.run('features')).toMatchObject({ code: 0, stderr: '' })
  })

  it('works through a link, by its name, from any folder', () => {
    const link = join(folder.path, 'runc')
    symlinkSync(runtime.path, link)
    const { stdout } = runtime.runWith({
      cwd: '/',
      env: { ...runtime.env, PATH: `${folder.path}:${process.env['PATH']!}` },
    })
    expect(stdout).toContain('ctr-runtime - Open')
  })

  it('keeps compiled code by command where only it can write, and works where it cannot', () => {
    expect(runtime.run('features').code).toBe(0)
    const names = readdirSync(join(folder.path, 'cache/ctr-runtime'))
    expect(names).toContainEqual(expect.stringMatching(/^v\d.*\.features\.v8$/))
    expect(runtime.run('state', 'nosuch').code).toBe(1)
    expect(readdirSync(join(folder.path, 'cache/ctr-runtime'))).toEqual(names) // which has not come far
    const env = { ...runtime.env, XDG_CACHE_HOME: '/proc/nowhere' }
    expect(runtime.runWith({ env }, 'features')).toMatchObject({ code: 0, stderr: '' })
  })

  it('leaves compiled code of another build alone that may be in use, and removes what is a month old', () => {
    expect(runtime.run('features').code).toBe(0)
    const cache = join(folder.path, 'cache/ctr-runtime')
    const days = (n: number): Date => new Date(Date.now() - n * 24 * 60 * 60 * 1000)
    const files = { 'v0-x64-1-1.run.v8': 1, 'v0-x64-1-1.state.v8': 31, 'v0-x64-1-1.run.v8.77': 31, note: 31 }
    for (const [name, age] of Object.entries(files)) {
      writeFileSync(join(cache, name), '')
      utimesSync(join(cache, name), days(age), days(age))
    }
    expect(runtime.run('list')).toMatchObject({ code: 0 }) // the first one: what it has compiled is kept
    const left = readdirSync(cache)
    expect(left).toContainEqual(expect.stringMatching(/^v\d.*\.list\.v8$/))
    expect(Object.keys(files).filter((name) => left.includes(name))).toEqual(['v0-x64-1-1.run.v8', 'note'])
  })

  it('writes a config once', () => {
    const bundle = join(folder.path, 'spec')
    mkdirSync(bundle)
    expect(runtime.runWith({ cwd: bundle }, 'spec')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))).toMatchObject({
      ociVersion: '1.3.0',
      process: { args: ['sh'] },
    })
    expect(runtime.run('spec', '-b', bundle)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Remove it first'),
    })
  })

  it.each([
    [['nosuch'], 1, "No help topic for 'nosuch'"],
    [['--nosuch', 'list'], 1, 'unknown option --nosuch'],
    [['state'], 1, "state takes 1 argument, got 0; see 'ctr-runtime state --help'"],
    [['state', ''], 1, 'container id cannot be empty'],
    [['state', 'nosuch'], 1, 'does not exist'],
    [['delete', 'nosuch'], 1, 'does not exist'],
    [['exec', 'nosuch', 'true'], 255, 'exec failed: container "nosuch" does not exist'],
    [['exec', '--nosuch', 'x'], 255, 'unknown option --nosuch'],
    [['start', '../x'], 1, ''],
    [['run', '--bundle', '/nosuch', 'x'], 1, 'ctr-runtime run failed: '],
    [['kill', 'x', 'NOSUCH'], 1, 'unknown signal'],
    [['--log-format', 'xml', 'list'], 1, 'invalid log-format'],
  ])('refuses %j with %d', (argv, code, message) => {
    const ended = runtime.run(...argv)
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(JSON.parse(/ msg=(.*)\n$/.exec(ended.stderr)![1]!)).toContain(message)
  })

  it('has no containers, and none to delete by force', () => {
    expect(runtime.run('list', '--format=json')).toEqual({ code: 0, stdout: '[]\n', stderr: '' })
    expect(runtime.run('delete', '--force', 'nosuch')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('adds the error to a log that engines read', () => {
    const log = join(folder.path, 'log.json')
    expect(runtime.run('--log', log, '--log-format', 'json', 'state', 'nosuch')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^[^={]*does not exist\n$/),
    })
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({
      level: 'error',
      msg: expect.stringContaining('does not exist'),
    })
  })
})

describeOn(['root', 'bin:busybox'], 'ctr-runtime', () => {
  it('waits while another command works on a container', async () => {
    const container = join(folder.path, 'root', 'held')
    mkdirSync(container, { recursive: true, mode: 0o700 })
    const lock = await lockFolder(container, 0)
    const waiting = runtime.start('delete', '--force', 'held')
    const ended = Promise.all([text(waiting.stderr!), once(waiting, 'exit')])
    await sleep(1000) // it has seen by then that it must wait
    expect([waiting.exitCode, existsSync(container)]).toEqual([null, true])
    lock![Symbol.dispose]()
    expect(await ended).toEqual(['', [0, null]])
    expect(existsSync(container)).toBe(false)
  })

  it('runs a program to its end, and removes the container', () => {
    const bundle = runtime.bundle('run', ['sh', '-c', 'cat; echo err >&2; exit 3'])
    expect(runtime.runWith({ cwd: bundle, input: 'in' }, 'run', 'box')).toEqual({
      code: 3,
      stdout: 'in',
      stderr: 'err\n',
    })
    expect(runtime.run('list', '-q').stdout).toBe('')
    expect(runtime.run('run', 'box', '--keep', `--bundle=${bundle}`).code).toBe(3)
    expect(status('box')).toBe('stopped')
    expect(runtime.run('delete', 'box').code).toBe(0)
  })

  it('leads a container through its life', async () => {
    const bundle = runtime.bundle('life', ['sleep', '100'])
    const pidFile = join(folder.path, 'pid')
    expect(runtime.run('create', '--bundle', bundle, '--pid-file', pidFile, 'box')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    const pid = Number(readFileSync(pidFile, 'utf8'))
    expect(JSON.parse(runtime.run('state', 'box').stdout)).toEqual({
      ociVersion: '1.3.0',
      id: 'box',
      pid,
      status: 'created',
      bundle,
      rootfs: join(bundle, 'rootfs'),
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      owner: 'root',
    })
    expect(runtime.run('start', 'box').code).toBe(0)
    expect(runtime.run('ps', '--format', 'json', 'box').stdout).toBe(`[${pid}]\n`)
    expect(runtime.run('ps', 'box', '-f', 'json').stdout).toBe(`[${pid}]\n`)
    await until(() => runtime.run('ps', 'box', '-o', 'comm').stdout === 'COMMAND\nsleep\n')
    expect(runtime.run('ps', 'box').stdout).toMatch(
      /^UID +PID +PPID +C +STIME +TTY +TIME +CMD\nroot +\d+ .* sleep 100\n$/,
    )
    expect(runtime.run('list').stdout).toMatch(
      /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\nbox +\d+ +running +\S+ +\S+ +root\n$/,
    )
    expect(runtime.run('pause', 'box').code).toBe(0)
    expect(status('box')).toBe('paused')
    expect(runtime.run('exec', 'box', 'true')).toMatchObject({
      code: 255,
      stderr: expect.stringContaining('paused container'),
    })
    expect(runtime.run('resume', 'box').code).toBe(0)
    expect(runtime.run('update', 'box', '--pids-limit', '50', '--memory=64m')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(runtime.runWith({ input: '{"pids":{"limit":60}}' }, 'update', '--resources=-', 'box').code).toBe(0)
    expect(runtime.run('delete', 'box').code).toBe(1)
    expect(runtime.run('kill', 'box', '9').code).toBe(0)
    await until(() => status('box') === 'stopped')
    expect(runtime.run('ps', 'box').stdout).toBe('UID   PID  PPID C STIME TTY TIME CMD\n')
    expect(runtime.run('kill', 'box', '0')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('container not running'),
    })
    expect(runtime.run('kill', '-a', 'box', '0').code).toBe(0)
    expect(runtime.run('delete', 'box').code).toBe(0)
    expect(runtime.run('delete', '--force', 'box').code).toBe(0)
  })

  it('executes programs in a container', async () => {
    const bundle = runtime.bundle('exec', ['sleep', '100'])
    expect(runtime.run('run', '-d', '-b', bundle, 'box').code).toBe(0)
    try {
      expect(
        runtime.runWith(
          { input: 'in' },
          'exec',
          '-e',
          'A=1',
          '--cwd',
          '/tmp',
          'box',
          'sh',
          '-c',
          'cat; echo $A; pwd; exit 42',
        ),
      ).toEqual({ code: 42, stdout: 'in1\n/tmp\n', stderr: '' })
      expect(runtime.run('exec', 'box', 'sh', '-c', 'kill -9 $$').code).toBe(137)
      expect(runtime.run('exec', 'box', 'nosuch')).toMatchObject({
        code: 255,
        stderr: expect.stringMatching(/^[^=]*not found/),
      })
      expect(runtime.run('exec', '-u', '5:6', '-g', '7', 'box', 'id').stdout).toMatch(
        /^uid=5 gid=6 groups=(6,)?7/,
      )
      const file = join(folder.path, 'process.json')
      writeFileSync(file, JSON.stringify({ cwd: '/', args: ['/bin/echo', 'of a file'] }))
      expect(runtime.run('exec', '--process', file, 'box')).toEqual({
        code: 0,
        stdout: 'of a file\n',
        stderr: '',
      })
      const pidFile = join(folder.path, 'exec.pid')
      expect(runtime.run('exec', '--detach', '--pid-file', pidFile, 'box', 'sleep', '50')).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      })
      expect(JSON.parse(runtime.run('ps', '-f', 'json', 'box').stdout)).toContain(
        Number(readFileSync(pidFile, 'utf8')),
      )
      expect(runtime.run('exec', '-dt', 'box', 'true')).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('cannot allocate tty'),
      })
      expect(runtime.run('exec', '--console-socket', '/x', 'box', 'true')).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('cannot use console socket'),
      })
    } finally {
      expect(runtime.run('delete', '-f', '--regex', '^bo').code).toBe(0)
    }
    await until(() => !existsSync(join(folder.path, 'root', 'box')))
  })

  it('passes signals on, also those that come early', async () => {
    const bundle = runtime.bundle('signals', [
      'sh',
      '-c',
      'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done',
    ])
    const child = runtime.start('run', '-b', bundle, 'box')
    await once(child.stdout!, 'data')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([9, null])
    const errors = runtime.bundle('default', ['sleep', '100'])
    const killed = runtime.start('run', '-b', errors, 'box')
    const stderr = text(killed.stderr!)
    await until(() => runtime.run('list', '-q').stdout === 'box\n' && status('box') === 'running')
    runtime.run('kill', 'box', 'KILL')
    expect(await once(killed, 'exit')).toEqual([137, null])
    expect(await stderr).toBe('')
  })
})

describeOn(['root', 'bin:busybox', 'bin:python3'], 'ctr-runtime on a terminal', () => {
  const script = 'tty; stty size; echo ready; read x; echo got $x; exit 6'
  const shown = '/dev/pts/0\r\n30 100\r\nready\r\nabc\r\ngot abc\r\n\nexit code 6, terminal restored\n'

  it('joins it with that of a container', async () => {
    const bundle = runtime.bundle('terminal', ['sh', '-c', script], { terminal: true })
    expect(await onTerminal('abc\\n', runtime.line('run', '-b', bundle, 'box'), runtime.env)).toBe(shown)
    expect(runtime.run('run', '-d', '-b', bundle, 'box')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot allocate tty'),
    })
    expect(runtime.run('list', '-q').stdout).toBe('')
  })

  it('joins it with that of exec, whose keys send signals', async () => {
    runtime.run('run', '-d', '-b', runtime.bundle('terminal-exec', ['sleep', '100']), 'box')
    try {
      expect(
        await onTerminal('abc\\n', runtime.line('exec', '-t', 'box', 'sh', '-c', script), runtime.env),
      ).toBe(shown)
      const trap = 'trap "exit 8" INT; echo ready; while :; do sleep 0.1; done'
      expect(
        await onTerminal('\\x03', runtime.line('exec', '-t', 'box', 'sh', '-c', trap), runtime.env),
      ).toMatch(/\nexit code 8, terminal restored\n$/)
    } finally {
      runtime.run('delete', '-f', 'box')
    }
  })

  it('gives a container a terminal when there is none to join', () => {
    const bundle = runtime.bundle('no-terminal', ['sh', '-c', 'tty; exit 4'], { terminal: true })
    expect(runtime.run('run', '-b', bundle, 'box')).toMatchObject({ code: 4, stdout: '/dev/pts/0\n' })
  })
})
