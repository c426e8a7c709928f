import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundleFile, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { bootId } from '../../src/oci/state/boot-id.js'
import { processStat } from '../../src/oci/state/process-stat.js'
import { StateStore } from '../../src/oci/state/state-store.js'
import { isAlive, openInit } from '../../src/oci/state/status.js'

leakCheck()

const here = dirname(fileURLToPath(import.meta.url))
let worker: ReturnType<typeof bundleFile>

interface Worker {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  /** What it has said so far. */
  readonly lines: () => string[]
}

/** Starts a worker, and resolves once it is ready. */
async function startWorker(mode: string, root: string, id: string): Promise<Worker> {
  const child = spawn(process.execPath, [worker.path, mode, root, id], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more))
  const ended = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), ended])
  return { child, ended, lines: () => text.trimEnd().split('\n') }
}

describeOn(['root'], 'StateStore among processes', () => {
  beforeAll(() => {
    worker = bundleFile(join(here, '..', 'support', 'state-worker.ts'))
  })
  afterAll(() => worker[Symbol.dispose]())

  it('gives an id to one of eight processes that claim it at once', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    for (let round = 0; round < 3; round++) {
      const id = `box-${round}`
      const workers = await Promise.all(
        Array.from({ length: 8 }, () => startWorker('claim', folder.path, id)),
      )
      for (const { child } of workers) child.stdin!.end('go')
      await Promise.all(workers.map(({ ended }) => ended))
      const results = workers.map(({ lines }) => lines()[1]).sort()
      expect(results).toEqual([...Array<string>(7).fill('ERR_RUNTIME_NAME_TAKEN'), 'won'])
      expect(store.load(id).annotations['count']).toBe('0')
    }
  })

  it('mixes up nothing where processes make and remove the same container over and over', async () => {
    using folder = temporaryFolder()
    const workers = await Promise.all(
      Array.from({ length: 4 }, () => startWorker('cycle', folder.path, 'box')),
    )
    await Promise.all(workers.map(({ ended }) => ended))
    const expected = ['ERR_RUNTIME_CONTAINER_NOT_FOUND', 'ERR_RUNTIME_NAME_TAKEN']
    for (const { lines } of workers) {
      const { made, codes } = JSON.parse(lines()[1]!) as { made: number; codes: string[] }
      expect(codes.filter((code) => !expected.includes(code))).toEqual([])
      expect(made).toBeGreaterThan(0)
    }
    expect(readdirSync(folder.path).length).toBeLessThanOrEqual(1)
  })

  it('has a whole record and no lock after a process was killed between writes', async () => {
    using folder = temporaryFolder()
    const store = StateStore.open(folder.path)
    {
      using _ = await store.create('box', '{"whole":true}')
    }
    for (let round = 0; round < 20; round++) {
      const { child, ended } = await startWorker('work', folder.path, 'box')
      const until = performance.now() + 30
      let reads = 0
      do {
        const state = tryLoad(store)
        if (state !== undefined) {
          const { count, filling } = state.annotations
          expect(filling).toHaveLength(Number(count) % 20_000)
          reads++
        }
        await sleep(Math.random() * 2)
      } while (performance.now() < until || reads === 0)
      child.kill('SIGKILL')
      await ended
      const { count, filling } = store.load('box').annotations
      expect(filling).toHaveLength(Number(count) % 20_000)
      using _ = await store.lock('box', { timeoutMs: 1000 })
    }
    expect(store.loadConfig('box')).toBe('{"whole":true}')
    using container = await store.lock('box')
    container.remove()
    expect(readdirSync(folder.path)).toEqual([])
  })
})

describeOn(['root'], 'isAlive() on the real kernel', () => {
  it('does not take a process for one of the same number that ended before', async () => {
    const { pid, startTicks } = await shortLived()
    const record = { pid, startTicks, bootId: bootId() }
    expect(isAlive(record)).toBe(false)
    const again = await processOfNumber(pid)
    try {
      expect(again.pid).toBe(pid)
      expect(processStat(pid)?.ended).toBe(false)
      expect(isAlive(record)).toBe(false)
      expect(openInit(record)).toBeUndefined()
      using pidfd = openInit({ ...record, startTicks: processStat(pid)!.startTicks })
      expect(pidfd).toBeDefined()
    } finally {
      again.kill('SIGKILL')
      await once(again, 'exit')
    }
  })
})

describeOn(['root', 'bin:python3'], 'isAlive() of a process with threads', () => {
  it('still counts it when its first thread has ended', async () => {
    const script = [
      'import ctypes, threading, time',
      'threading.Thread(target=lambda: time.sleep(60)).start()',
      'ctypes.CDLL(None).pthread_exit(None)',
    ].join('\n')
    const child = spawn('python3', ['-c', script], { stdio: 'ignore' })
    try {
      const pid = child.pid!
      const { startTicks } = processStat(pid)!
      const deadline = Date.now() + 30_000
      const states = (): string => spawnSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' }).stdout
      while (!/\) Z /.test(states()) && Date.now() < deadline) await sleep(20)
      expect(states()).toMatch(/\) Z /)
      expect(isAlive({ pid, startTicks, bootId: bootId() })).toBe(true)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
})

function tryLoad(store: StateStore): ReturnType<StateStore['load']> | undefined {
  try {
    return store.load('box')
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_RUNTIME_CONTAINER_NOT_FOUND' })
    return undefined
  }
}

/** Number and begin of a process that has ended and been waited for. */
async function shortLived(): Promise<{ pid: number; startTicks: string }> {
  const child = spawn('sleep', ['30'], { stdio: 'ignore' })
  const stat = processStat(child.pid!)!
  child.kill('SIGKILL')
  await once(child, 'exit')
  await sleep(30) // more than a clock tick, which no number is given again in but by force
  return { pid: child.pid!, startTicks: stat.startTicks }
}

/** Has the kernel give the number to the next process; somebody else may be quicker. */
async function processOfNumber(pid: number): Promise<ChildProcess> {
  for (let tries = 0; tries < 200; tries++) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1))
    const child = spawn('sleep', ['30'], { stdio: 'ignore' })
    if (child.pid === pid) return child
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  throw new Error(`the number ${pid} is not given again`)
}
