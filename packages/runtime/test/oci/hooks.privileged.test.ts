import { spawn as spawnNode } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { runHooks, type HookKind } from '../../src/oci/hooks/run-hooks.js'
import { noLog } from '../../src/oci/log.js'
import type { OciState } from '../../src/oci/state/status.js'
import { failure, shell, stateOf } from '../support/hooks.js'

leakCheck()

describeOn(['root'], 'runHooks() in the namespaces of the runtime', () => {
  it('hands over the state, arguments, environment and folder, in order', async () => {
    using folder = temporaryFolder()
    const state = stateOf(folder.path, { a: 'b "c"' })
    await runHooks(
      'prestart',
      [
        {
          path: '/bin/sh',
          args: [
            'name',
            '-c',
            'cat > state; tr "\\0" "|" < /proc/$$/cmdline > args; env > env; echo 1 >> order',
          ],
          env: ['ONE=two', 'ONE=three', 'EQUAL=a=b'],
        },
        shell('pwd > cwd; echo 2 >> order'),
      ],
      state,
      { log: noLog },
    )
    const read = (name: string): string => readFileSync(join(folder.path, name), 'utf8')
    expect(JSON.parse(read('state'))).toEqual({ ...state, status: 'created' })
    expect(read('args')).toMatch(/^name\|-c\|cat/)
    expect(
      read('env')
        .split('\n')
        .filter((line) => /^(ONE|EQUAL|PATH)=/.test(line))
        .sort(),
    ).toEqual(['EQUAL=a=b', 'ONE=three'])
    expect(read('cwd')).toBe(`${folder.path}\n`)
    expect(read('order')).toBe('1\n2\n')
  })

  it('says which status the container has, and needs no arguments', async () => {
    using folder = temporaryFolder()
    const script = join(folder.path, 'hook')
    writeFileSync(script, '#!/bin/sh\nexec cat >> states\n')
    chmodSync(script, 0o755)
    const kinds: readonly HookKind[] = ['prestart', 'createRuntime', 'poststart', 'poststop']
    for (const kind of kinds) {
      writeFileSync(join(folder.path, 'states'), '')
      await runHooks(kind, [{ path: script }], stateOf(folder.path), { log: noLog })
      const { status } = JSON.parse(readFileSync(join(folder.path, 'states'), 'utf8')) as OciState
      expect([kind, status]).toEqual([
        kind,
        kind === 'poststart' ? 'running' : kind === 'poststop' ? 'stopped' : 'created',
      ])
    }
  })

  it('gives its own environment to a hook without one, and none to one with an empty one', async () => {
    using folder = temporaryFolder()
    process.env['CTR_HOOK_TEST'] = 'seen'
    try {
      await runHooks(
        'createRuntime',
        [shell('env > inherited'), shell('env > empty', { env: [] })],
        stateOf(folder.path),
        { log: noLog },
      )
    } finally {
      delete process.env['CTR_HOOK_TEST']
    }
    expect(readFileSync(join(folder.path, 'inherited'), 'utf8')).toContain('CTR_HOOK_TEST=seen\n')
    expect(readFileSync(join(folder.path, 'empty'), 'utf8')).not.toMatch(/CTR_HOOK_TEST|HOME/)
  })

  it('names the hook that failed, and runs none after it', async () => {
    using folder = temporaryFolder()
    const hooks = [shell('exit 0'), shell('echo out; echo err >&2; exit 3'), shell('touch after')]
    expect(await failure(hooks, 'createRuntime', { log: noLog }, stateOf(folder.path))).toBe(
      'error running createRuntime hook #1: /bin/sh: exit status 3, stdout: out, stderr: err',
    )
    expect(readdirSync(folder.path)).toEqual([])
    expect(await failure([shell('kill -SYS $$')], 'poststart')).toBe(
      'error running poststart hook #0: /bin/sh: signal: bad system call',
    )
    expect(await failure([{ path: '/nonexistent/hook', args: ['x'] }], 'prestart')).toBe(
      'error running prestart hook #0: cannot execute "/nonexistent/hook": no such file or directory',
    )
    expect(await failure([{ path: '/etc/passwd' }])).toContain('"/etc/passwd": permission denied')
    expect(await failure([{ path: '/bin/sh', args: ['a\0b'] }])).toContain('createRuntime hook #0: ')
  })

  it('goes on after a failure of poststop with a warning, also without a bundle', async () => {
    using folder = temporaryFolder()
    const warnings: string[] = []
    const log = { ...noLog, warn: (message: string) => warnings.push(message) }
    await runHooks(
      'poststop',
      [shell('exit 1'), { path: '/nonexistent' }, shell(`pwd > ${folder.path}/cwd`)],
      stateOf(join(folder.path, 'gone')),
      { log },
    )
    expect(warnings).toEqual([
      'poststop hook failed with exit code 1: hook #0: /bin/sh: exit status 1',
      'poststop hook failed: hook #1: cannot execute "/nonexistent": no such file or directory',
    ])
    expect(readFileSync(join(folder.path, 'cwd'), 'utf8')).toBe('/\n')
  })

  it('kills a hook at its time limit, with its children', async () => {
    using folder = temporaryFolder()
    const begin = performance.now()
    const message = await failure(
      [shell('sleep 60 & echo $! > child; echo waiting; wait', { timeout: 1 })],
      'createRuntime',
      { log: noLog },
      stateOf(folder.path),
    )
    expect(message).toBe('error running createRuntime hook #0: /bin/sh: timed out after 1 s, stdout: waiting')
    expect(performance.now() - begin).toBeLessThan(25_000)
    const child = Number(readFileSync(join(folder.path, 'child'), 'utf8'))
    await gone(child)
    await runHooks('createRuntime', [shell('exit 0', { timeout: 2 ** 40 })], stateOf('/'), { log: noLog })
  })

  it('is not filled up by a hook that writes 1 GB', async () => {
    const before = process.memoryUsage().rss
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20).unref()
    const message = await failure([shell('head -c 1000000000 /dev/zero | tr "\\0" x; echo end >&2; exit 1')])
    clearInterval(watch)
    expect(message).toMatch(/: exit status 1, stdout: \.\.\. x{4096}, stderr: end$/)
    expect(most - before).toBeLessThan(150 * 2 ** 20)
  })

  it('does not mind a hook that reads nothing, and a state larger than a pipe', async () => {
    const state = stateOf('/', { large: 'x'.repeat(10 ** 6) })
    await runHooks('createRuntime', [shell('exit 0'), shell('exec <&-; sleep 0.1')], state, { log: noLog })
    await runHooks('createRuntime', [shell('test $(wc -c) -gt 1000000')], state, { log: noLog })
  })

  it('does not wait for what a hook leaves running', async () => {
    using folder = temporaryFolder()
    const begin = performance.now()
    await runHooks(
      'createRuntime',
      [shell('(trap "" TERM HUP; echo $$ >/dev/null; exec sleep 30) & echo $! > child')],
      stateOf(folder.path),
      { log: noLog },
    )
    expect(performance.now() - begin).toBeLessThan(25_000)
    const child = Number(readFileSync(join(folder.path, 'child'), 'utf8'))
    expect(existsSync(`/proc/${child}`)).toBe(true)
    process.kill(child, 'SIGKILL')
    await gone(child)
  })

  it('gives it three descriptors, and a session of its own', async () => {
    using folder = temporaryFolder()
    const out = join(folder.path, 'out')
    const state = stateOf(folder.path, { 'run.oci.hooks.stdout': out })
    const hooks = [
      { path: '/bin/ls', args: ['ls', '-l', '/proc/self/fd'] },
      shell('cut -d" " -f1,5,6 /proc/$$/stat > stat'),
    ]
    await runHooks('createRuntime', hooks, state, { log: noLog })
    const fds = readFileSync(out, 'utf8').match(/\d+ -> .*/g)!
    expect(fds).toEqual([
      expect.stringMatching(/^0 -> pipe:/),
      `1 -> ${out}`,
      expect.stringMatching(/^2 -> pipe:/),
      expect.stringMatching(/^3 -> \/proc\/\d+\/fd$/), // the folder that it lists
    ])
    const [pid, group, session] = readFileSync(join(folder.path, 'stat'), 'utf8').trim().split(' ')
    expect([group, session]).toEqual([pid, pid])
  })

  it('appends its output to the files that annotations name', async () => {
    using folder = temporaryFolder()
    const [out, err] = [join(folder.path, 'out'), join(folder.path, 'err')]
    const state = stateOf(folder.path, { 'run.oci.hooks.stdout': out, 'run.oci.hooks.stderr': err })
    writeFileSync(out, 'before\n')
    const hooks = [shell('echo one; echo two >&2'), shell('echo three; exit 1')]
    expect(await failure(hooks, 'createRuntime', { log: noLog }, state)).toBe(
      'error running createRuntime hook #1: /bin/sh: exit status 1',
    )
    expect(readFileSync(out, 'utf8')).toBe('before\none\nthree\n')
    expect(readFileSync(err, 'utf8')).toBe('two\n')
    const nowhere = stateOf('/', { 'run.oci.hooks.stdout': '/nonexistent/out' })
    expect(await failure(hooks, 'createRuntime', { log: noLog }, nowhere)).toBe(
      'error running createRuntime hook #0: cannot open /nonexistent/out, which the annotation run.oci.hooks.stdout names',
    )
  })

  it('follows a link of /proc to the program of another process', async () => {
    const engine = spawnNode('sleep', ['30'], { stdio: 'ignore' })
    try {
      await once(engine, 'spawn')
      await runHooks('prestart', [{ path: `/proc/${engine.pid!}/exe`, args: ['sleep', '0'] }], stateOf('/'), {
        log: noLog,
      })
    } finally {
      engine.kill('SIGKILL')
      await once(engine, 'exit')
    }
  })
})

async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + 30_000
  while (isRunning(pid) && Date.now() < deadline) await sleep(10)
  expect(isRunning(pid)).toBe(false)
}

/** A zombie whose new parent takes its time does not count. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
