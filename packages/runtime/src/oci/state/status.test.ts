import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { bootId } from './boot-id.js'
import type { ContainerState } from './container-state.js'
import { processStat } from './process-stat.js'
import { containerStatus, isAlive, ociState, openInit } from './status.js'

const of = (pid: number | null, startTicks: string | null): ContainerState => ({
  id: 'box',
  ociVersion: '1.2.0',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-11-23T10:00:00.000Z',
  pid,
  startTicks,
  bootId: bootId(),
  annotations: { a: 'b' },
  cgroupManager: 'disabled',
  cgroupPaths: {},
  intelRdtPath: '',
  externalDescriptors: [],
  terminal: false,
  rootless: true,
})
const ourselves = of(process.pid, processStat(process.pid)!.startTicks)
const no = (): boolean => false
const yes = (): boolean => true
const never = (): never => {
  throw new Error('not to be asked')
}

describe('containerStatus()', () => {
  const sources = { folder: '/nonexistent', frozen: no, busy: never }

  it('goes by the process', () => {
    expect(containerStatus(ourselves, sources)).toBe('running')
    expect(containerStatus(ourselves, { ...sources, frozen: yes })).toBe('paused')
  })

  it('takes no other process of the same number, or of another boot, for it', () => {
    const stopped = { ...sources, frozen: never }
    const ticks = ourselves.startTicks!
    expect(containerStatus({ ...ourselves, startTicks: String(Number(ticks) + 1) }, stopped)).toBe('stopped')
    expect(containerStatus({ ...ourselves, startTicks: null }, stopped)).toBe('stopped')
    expect(containerStatus({ ...ourselves, bootId: 'another' }, stopped)).toBe('stopped')
    expect(containerStatus({ ...ourselves, pid: 2 ** 22 + 1 }, stopped)).toBe('stopped')
  })

  it('is creating only as long as somebody creates it', () => {
    const sources = { folder: '/nonexistent', frozen: never }
    expect(containerStatus(of(null, null), { ...sources, busy: yes })).toBe('creating')
    expect(containerStatus(of(null, null), { ...sources, busy: no })).toBe('stopped')
  })
})

describe('isAlive()', () => {
  it('does not count a zombie', async () => {
    // the shell becomes a program that never waits for what was the shell's child, which ends only then
    const parent = spawn('sh', ['-c', 'exec 4<&3; head -c1 <&4 >&2 & echo $!; exec sleep 30'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    })
    try {
      const [text] = (await once(parent.stdout!, 'data')) as [Buffer]
      const pid = Number(text)
      const deadline = Date.now() + 4000
      const until = async (reached: () => boolean): Promise<void> => {
        while (!reached() && Date.now() < deadline) await sleep(5)
      }
      await until(() => readFileSync(`/proc/${parent.pid!}/comm`, 'utf8') === 'sleep\n')
      ;(parent.stdio[3] as Writable).end('x')
      await until(() => processStat(pid)!.ended)
      const stat = processStat(pid)
      expect(stat).toEqual({ startTicks: expect.stringMatching(/^\d+$/), ended: true })
      expect(isAlive(of(pid, stat!.startTicks))).toBe(false)
      expect(openInit(of(pid, stat!.startTicks))).toBeUndefined()
    } finally {
      parent.kill('SIGKILL')
    }
  })

  it('does not count what is gone', () => {
    const { pid } = spawnSync('true')
    expect(processStat(pid)).toBeUndefined()
    expect(isAlive(of(pid, '1'))).toBe(false)
  })
})

describe('processStat()', () => {
  it('reads past a name with parentheses and blanks', async () => {
    const script = 'printf ") Z 1 (" > /proc/self/comm; echo named; read -r wait'
    const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
    try {
      expect(readFileSync(`/proc/${child.pid!}/comm`, 'utf8')).toBe(') Z 1 (\n')
      expect(processStat(child.pid!)?.ended).toBe(false)
      expect(Number(processStat(child.pid!)!.startTicks)).toBeGreaterThan(Number(ourselves.startTicks))
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
})

describe('openInit()', () => {
  it('is a pidfd of that very process', () => {
    using pidfd = openInit(ourselves)
    expect(pidfd?.number).toBeGreaterThan(2)
    expect(openInit({ ...ourselves, startTicks: '1' })).toBeUndefined()
    expect(openInit(of(null, null))).toBeUndefined()
  })
})

describe('ociState()', () => {
  it('is what the spec says', () => {
    const expected = { ociVersion: '1.2.0', id: 'box', bundle: '/b', annotations: { a: 'b' } }
    expect(ociState(ourselves, 'running')).toEqual({ ...expected, status: 'running', pid: process.pid })
    expect(ociState(ourselves, 'stopped')).toEqual({ ...expected, status: 'stopped', pid: 0 })
    expect(ociState(of(null, null), 'creating')).toEqual({ ...expected, status: 'creating', pid: 0 })
  })
})
