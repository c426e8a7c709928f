import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import {
  Runtime,
  type Container,
  type ExecOptions,
  type KeptExec,
  type TerminalStream,
} from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'

leakCheck()

const newId = (): string => randomBytes(32).toString('hex')
const echo = 'echo ready; while read line; do echo "<$line>"; done'

describeOn(['root', 'overlay', 'bin:busybox'], 'container.exec() with detach', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let runtime: Runtime
  /** Stands for the next process. */
  let next: Runtime
  let container: Container
  const where = (): { readonly root: string; readonly state: string } => ({
    root: `${folder.path}/root`,
    state: `${folder.path}/state`,
  })
  const kept = (): string[] => readdirSync(`${where().state}/execs`)
  const run = async (): Promise<void> => {
    const command = ['sleep', '1000']
    container = await runtime.run({ image: busybox, network: 'none', detach: true, command })
  }

  beforeAll(async () => {
    folder = temporaryFolder('ctr-execs-')
    runtime = await Runtime.open(where())
    await addBusybox(runtime)
    next = await Runtime.open(where())
    await run()
  })
  afterEach(async () => {
    while (kept().length > 0 || existsSync(`${where().state}/terminals`)) await sleep(20)
  })
  afterAll(async () => {
    await runtime.reset()
    await next.close()
    await runtime.close()
    folder[Symbol.dispose]()
  })

  const exec = (script: string, options: ExecOptions = {}) =>
    container.exec(['sh', '-c', script], { stdout: 'ignore', stderr: 'ignore', ...options })
  const found = (id: string): KeptExec => {
    const all = next.container(container.id).execs()
    for (const other of all) if (other.id !== id) other[Symbol.dispose]()
    return all.find((one) => one.id === id)!
  }
  async function readUntil(stream: TerminalStream, wanted: string): Promise<void> {
    let read = ''
    const take = (chunk: Buffer): void => void (read += chunk.toString())
    stream.on('data', take)
    while (!read.includes(wanted)) await sleep(10)
    stream.off('data', take)
  }

  it('is found by others, with its process and what was noted, until it ends', async () => {
    const id = newId()
    const started = await exec('until [ -e /tmp/go ]; do sleep 0.02; done; exit 7', {
      detach: { id, note: 'mine' },
    })
    const one = found(id)
    expect(one).toMatchObject({ id, pid: started.pid, note: 'mine' })
    expect(one.openTerminal()).toBeNull()
    await (await exec('touch /tmp/go')).wait()
    expect(await one.wait()).toMatchObject({ exitCode: 7 })
    expect(await started.wait()).toMatchObject({ exitCode: 7 })
    expect(found(id)).toBeUndefined()
  })

  it('tells how it has ended while nobody was there, where it had run for a while', async () => {
    const id = newId()
    const started = await exec('exec sleep 1000', { detach: { id } })
    const name = `${container.id}.${id}`
    while (!kept().includes(name)) await sleep(20)
    const one = found(id)
    process.kill(started.pid, 'SIGTERM')
    expect(await one.wait()).toMatchObject({ signal: 15 })
  })

  it('is not noted when it ends at once with somebody who reads it', async () => {
    const started = await exec('true', { stdout: 'pipe', detach: { id: newId() } })
    expect(kept()).toEqual([])
    await started.wait()
    const id = newId()
    const longer = await exec('sleep 1000', { stdout: 'pipe', detach: { id } })
    while (kept().length === 0) await sleep(10)
    longer.kill(9)
    expect(await found(id).wait()).toMatchObject({ signal: 9 })
  })

  it('has a terminal that outlives who has opened it, and its keeper goes with the last one', async () => {
    const [id, other] = [newId(), newId()]
    const started = await exec(`${echo}; exit 3`, { terminal: true, detach: { id } })
    const second = await exec('sleep 1000', { terminal: true, detach: { id: other } })
    await readUntil(started.terminal!, 'ready')
    started.terminal!.destroy()
    second.terminal!.destroy()
    const one = found(id)
    const terminal = one.openTerminal()!
    terminal.write('word\n')
    await readUntil(terminal, '<word>')
    terminal.resize({ rows: 5, columns: 6 })
    terminal.write('\x04')
    terminal.resume()
    expect(await one.wait()).toMatchObject({ exitCode: 3 })
    const left = found(other)
    expect(existsSync(`/proc/${left.pid}`)).toBe(true)
    second.kill(9)
    await left.wait()
    expect(left.openTerminal()).toBeNull()
  })

  it('is forgotten with its container, by whoever removes that', async () => {
    const started = await exec(echo, { terminal: true, detach: { id: newId() } })
    const plain = await exec('sleep 1000', { detach: { id: newId() } })
    while (kept().length < 4) await sleep(20)
    await next.container(container.id).remove({ force: true })
    expect(kept()).toEqual([])
    await Promise.all([started.wait(), plain.wait()])
    started.terminal!.destroy()
    await run()
  })

  it('is no other process of the same number, and of another boot it is none', async () => {
    const bystander = spawn('sleep', ['1000'])
    const ended = once(bystander, 'exit')
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const record = { container: container.id, pid: bystander.pid, terminal: true, note: '' }
    const ticks = readFileSync(`/proc/${bystander.pid}/stat`, 'utf8').split(' ')[21]
    for (const told of [
      { bootId, startTicks: '1' },
      { bootId: 'another', startTicks: ticks },
      { bootId, pid: 2 ** 22 - 1, startTicks: ticks },
    ]) {
      const id = newId()
      const file = `${where().state}/execs/${container.id}.${id}.json`
      writeFileSync(file, JSON.stringify({ ...record, id, ...told }))
      const one = found(id)
      expect([await one.wait(), one.openTerminal(), existsSync(file)]).toEqual([undefined, null, false])
    }
    expect(bystander.exitCode).toBeNull()
    bystander.kill()
    await ended
  })

  it('leaves nothing of what was killed: half a record, half a pin, containers that are no more', async () => {
    const at = (name: string): string => join(where().state, 'execs', name)
    const gone = newId()
    writeFileSync(at(`${gone}.${newId()}`), '')
    writeFileSync(at(`${gone}.${newId()}.json`), '{}')
    writeFileSync(at(`${container.id}.${newId()}.json.new`), '{"id":')
    writeFileSync(at(`${container.id}.${newId()}.json`), '{"id":')
    await using other = await Runtime.open(where())
    expect(other.failedCleanUps).toEqual([])
    expect(kept().every((name) => name.startsWith(container.id))).toBe(true)
    expect(other.container(container.id).execs()).toEqual([])
    await container.remove({ force: true })
    expect(kept()).toEqual([])
    await run()
  })

  it('goes on where it cannot be noted, and tells why', async () => {
    const execs = `${where().state}/execs`
    rmdirSync(execs)
    const told: unknown[] = []
    try {
      const started = await exec('exit 5', {
        terminal: true,
        detach: { id: newId(), onError: (error) => told.push(error) },
      })
      started.terminal!.resume()
      expect(await started.wait()).toMatchObject({ exitCode: 5 })
    } finally {
      mkdirSync(execs)
    }
    expect(told).toEqual([expect.objectContaining({ code: 'ENOENT' })])
  })

  it('refuses what is no id', async () => {
    await expect(exec('true', { detach: { id: '../../etc' } })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_INVALID_ARG',
      message: 'cannot detach a program as "../../etc": an id is 64 hexadecimal digits',
    })
  })
})
