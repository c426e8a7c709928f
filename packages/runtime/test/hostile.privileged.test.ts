import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import type { RunOptions, Runtime } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

const hostile = 'localhost/hostile:1'

describeOn(['root', 'overlay', 'bin:busybox'], 'Runtime against hostile images and commands', () => {
  let opened: Awaited<ReturnType<typeof openRuntime>>
  let runtime: Runtime
  /** A folder of the host that this process has open, as a careless caller might. */
  let fd: number
  let folder: string

  beforeAll(async () => {
    opened = await openRuntime()
    runtime = opened.runtime
    folder = `${opened.folder}/host`
    mkdirSync(`${folder}/inner`, { recursive: true })
    writeFileSync(`${folder}/secret`, 'of the host\n')
    fd = openSync(`${folder}/inner`, 'r')
    await addBusybox(runtime, {
      reference: hostile,
      more: [
        { type: 'symlink', path: 'out', target: `/proc/self/fd/${fd}` },
        { type: 'symlink', path: 'bin/self', target: '/proc/self/exe' },
        { type: 'file', path: 'bin/script', content: '#!/proc/self/exe\n', mode: 0o755 },
      ],
    })
  })
  afterAll(async () => {
    closeSync(fd)
    await opened[Symbol.asyncDispose]()
  })

  const run = (options: Partial<RunOptions>): ReturnType<Runtime['run']> =>
    runtime.run({ image: hostile, network: 'none', stdout: 'pipe', stderr: 'pipe', ...options })

  it('cannot work in a folder of the host through a descriptor', async () => {
    await expect(run({ cwd: `/proc/self/fd/${fd}`, command: ['cat', '../secret'] })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_START',
    })
    await expect(run({ cwd: '/out', command: ['cat', '../secret'] })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_START',
    })
    await using container = await run({ command: ['sleep', '60'] })
    for (const cwd of ['/out', `/proc/self/fd/${fd}`]) {
      await expect(container.exec(['cat', '../secret'], { cwd })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_START',
      })
    }
  })

  it('makes no folder and mounts nothing outside through a link', async () => {
    await expect(run({ cwd: '/out/new' })).rejects.toMatchObject({ code: 'ERR_RUNTIME_START' })
    await expect(run({ volumes: [{ source: folder, target: '/out/volume' }] })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_START',
    })
    expect(readdirSync(`${folder}/inner`)).toEqual([])
  })

  it('does not execute the program of the host process', async () => {
    await using container = await run({ command: ['sleep', '60'] })
    for (const command of ['/proc/self/exe', 'self', '/bin/self', 'script']) {
      await using init = await run({ command: [command, '--version'] })
      expect(await init.wait()).toMatchObject({ exitCode: 127 })
      expect(await text(init.stdout!)).toBe('')
      await using other = await container.exec([command, '--version'], { stdout: 'pipe' })
      expect(await other.wait()).toMatchObject({ exitCode: 127 })
      expect(await text(other.stdout!)).toBe('')
    }
  })

  it('keeps the program of the host process out of sight (CVE-2019-5736)', async () => {
    // as root of the container, tries to write to whatever program it sees that is not of its image
    const attack = `for round in $(seq 3000); do for p in /proc/[0-9]*; do
      program=$(readlink $p/exe); case "$program" in ''|/bin/busybox) continue;; esac
      echo "$program"; (echo overwritten >>$p/exe) 2>/dev/null && echo written; done; done`
    await using container = await run({ command: ['sh', '-c', attack] })
    const seen = text(container.stdout!)
    const gone = new AbortController()
    const ended = container.wait().finally(() => {
      gone.abort()
    })
    while (!gone.signal.aborted) {
      for (const command of ['script', 'true']) {
        const process = await container.exec([command]).catch(() => undefined)
        await process?.wait()
      }
      await turn() // after its end exec is refused at once: only a turn of the event loop lets wait() resolve
    }
    await ended
    expect(
      new Set(
        (await seen)
          .trim()
          .split('\n')
          .filter((line) => !/^(\/memfd:ctr-init \(deleted\))?$/.test(line)),
      ),
    ).toEqual(new Set())
    expect(readFileSync(process.execPath).subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  })

  it('gives a new container nothing of the one before', async () => {
    const look = 'ls -a / /tmp; stat -c %a /'
    const once = async (script: string, options: Partial<RunOptions> = {}): Promise<string> => {
      await using container = await runtime.run({
        image: busybox,
        network: 'none',
        stdout: 'pipe',
        cwd: '/',
        command: ['sh', '-c', script],
        ...options,
      })
      const printed = await text(container.stdout!)
      await container.wait()
      return printed
    }
    const first = await once(look)
    for (const change of [
      'echo x >/tmp/left',
      'chmod 700 /',
      'mkdir /left',
      'rm /etc/motd',
      'ln -s /tmp /link',
    ]) {
      await once(change)
      expect(await once(look)).toBe(first)
    }
  })
})
