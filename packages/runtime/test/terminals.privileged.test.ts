import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { Runtime, type Container, type TerminalStream } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'

leakCheck()

interface Note {
  readonly pid: number
  readonly startTicks: string
  readonly bootId: string
}

const echo = 'echo ready; while read line; do echo "<$line>"; done'

describeOn(['root', 'overlay', 'bin:busybox'], 'terminals of containers that outlive their runtime', () => {
  let worker: ReturnType<typeof bundleFile>
  let folder: ReturnType<typeof temporaryFolder>
  let runtime: Runtime
  /** Keepers of others on this machine. */
  let others: readonly string[] = []
  const where = (): { readonly root: string; readonly state: string } => ({
    root: `${folder.path}/root`,
    state: `${folder.path}/state`,
  })

  beforeAll(async () => {
    others = keepers()
    worker = bundleFile(join(fileURLToPath(new URL('.', import.meta.url)), 'support', 'terminal-worker.ts'))
    folder = temporaryFolder('ctr-terminals-')
    runtime = await Runtime.open(where())
    await addBusybox(runtime)
  })
  afterEach(async () => {
    for (const container of runtime.containers()) await container.remove({ force: true })
    while (keepers().length > 0) await sleep(20)
  })
  afterAll(async () => {
    await runtime.reset()
    await runtime.close()
    folder[Symbol.dispose]()
    worker[Symbol.dispose]()
  })

  /** Starts a container in a process that is killed `afterMs`, or once the container has started. */
  async function runAndDie(name: string, script: string, afterMs?: number): Promise<void> {
    const { root, state } = where()
    const child = spawn(process.execPath, [worker.path, root, state, busybox, name, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    await lines.next()
    await (afterMs === undefined ? lines.next() : sleep(afterMs))
    child.kill('SIGKILL')
    await ended
  }
  const run = (name: string, script = echo): Promise<Container> =>
    runtime.run({
      ...{ image: busybox, name, network: 'none', detach: true, terminal: true },
      command: ['sh', '-c', script],
    })
  const note = (): Note | undefined => {
    const path = `${where().state}/terminals`
    const written = existsSync(path) ? readFileSync(path, 'utf8') : ''
    return written === '' ? undefined : (JSON.parse(written) as Note)
  }
  /** All that there are, also those that nobody has noted. */
  const keepers = (): string[] =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid) || others.includes(pid)) return false
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('ctr-terminals')
      } catch {
        return false // it has ended
      }
    })
  async function readUntil(stream: TerminalStream, wanted: string): Promise<string> {
    let read = ''
    const take = (chunk: Buffer): void => void (read += chunk.toString())
    stream.on('data', take)
    while (!read.includes(wanted)) await sleep(10)
    stream.off('data', take)
    return read
  }

  it('go on when it is killed: what was printed, what is typed, size, end', async () => {
    await runAndDie('killed', `stty size; ${echo}; exit 5`)
    const container = runtime.container('killed')
    expect(container.isAlive).toBe(true)
    const terminal = container.openTerminal()!
    expect(await readUntil(terminal, 'ready')).toContain('24 80\r\nready')
    terminal.write('one\n')
    await readUntil(terminal, '<one>')
    terminal.resize({ rows: 5, columns: 6 })
    const asked = await container.exec(['stty', '-F', '/dev/pts/0', 'size'], {
      stdout: 'pipe',
      stderr: 'ignore',
    })
    expect(await text(asked.stdout!)).toBe('5 6\n')
    terminal.write('\x04')
    terminal.resume()
    await once(terminal, 'end')
    expect(await container.wait()).toMatchObject({ exitCode: 5 })
    expect([note(), container.openTerminal()]).toEqual([undefined, null])
  })

  it('are opened anew after a stream of them was closed', async () => {
    await run('closed')
    runtime.container('closed').terminal!.destroy()
    for (const word of ['one', 'two']) {
      const terminal = runtime.container('closed').openTerminal()!
      terminal.write(`${word}\n`)
      await readUntil(terminal, `<${word}>`)
      terminal.destroy()
    }
    expect(runtime.container('closed').isAlive).toBe(true)
  })

  it('are kept by one process that has nothing else, hears nothing, and that nobody in a container sees', async () => {
    const container = await run('one')
    await run('two')
    const [pid, ...more] = keepers()
    expect([more, note()?.pid]).toEqual([[], Number(pid)])
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR1'] as const)
      process.kill(Number(pid), signal)
    expect(readdirSync(`/proc/${pid}/fd`)).toEqual(['0', '1'])
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/')
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')
    expect(fields[5]).toBe(pid) // its session
    const look = 'for fd in /proc/[0-9]*/fd/*; do readlink $fd; done; cat /proc/[0-9]*/cmdline'
    const looking = await container.exec(['sh', '-c', look], { stdout: 'pipe' })
    const seen = await text(looking.stdout!)
    expect(seen).toContain('/dev/pts/0\n')
    expect(seen).not.toMatch(/ptmx|socket:|ctr-terminals/)
    expect(keepers()).toEqual([pid])
  })

  it('of another boot or of another process are not taken for kept ones', async () => {
    const bystander = spawn('sleep', ['1000'])
    const ended = once(bystander, 'exit')
    const container = await run('one')
    const kept = note()!
    for (const other of [
      { ...kept, bootId: 'another' },
      { ...kept, pid: bystander.pid },
      { ...kept, pid: 2 ** 22 - 1 },
      '{"pid":12',
    ]) {
      writeFileSync(`${where().state}/terminals`, typeof other === 'string' ? other : JSON.stringify(other))
      expect(container.openTerminal()).toBeNull()
    }
    await container.remove({ force: true })
    expect(bystander.exitCode).toBeNull()
    // the next one is kept by a keeper of its own
    await run('two')
    expect(note()!.pid).not.toBe(kept.pid)
    process.kill(kept.pid, 'SIGKILL')
    bystander.kill()
    await ended
  })

  it('are kept again from the next one on, after their keeper was killed', async () => {
    const first = await run('first')
    process.kill(note()!.pid, 'SIGKILL')
    while (keepers().length > 0) await sleep(10)
    expect(first.openTerminal()).toBeNull()
    await readUntil(first.terminal!, 'ready')
    const second = await run('second')
    second.openTerminal()!.destroy()
    expect([first.isAlive, keepers()]).toEqual([true, [String(note()!.pid)]])
  })

  it('leave nothing of processes that are killed while they start one', async () => {
    for (let times = 0; times < 15; times++) await runAndDie(`n${times}`, echo, Math.random() * 25)
    await using other = await Runtime.open(where())
    expect(other.failedCleanUps).toEqual([])
    const alive = other.containers().filter((container) => container.isAlive)
    for (const container of alive) container.openTerminal()!.destroy()
    expect(keepers().length).toBeLessThan(2)
    for (const container of other.containers()) await container.remove({ force: true })
    while (keepers().length > 0) await sleep(20)
    expect(note()).toBeUndefined()
  }, 60_000)
})
