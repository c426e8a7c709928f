import { closeSync, readFileSync, readSync, writeSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { closeFd, O_CLOEXEC, pipe2 } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { spawn, type Gate, type SpawnOptions } from '../src/index.js'

leakCheck()

/** Both pipes of a gate, of which the child's ends are closed once it has them. */
function openGate(): { readonly gate: Gate; readonly open: () => void; close(): void } {
  const [wait, go] = pipe2(O_CLOEXEC)
  const [reports, report] = pipe2(O_CLOEXEC)
  let closed = false
  const closeChildEnds = (): void => {
    if (closed) return
    closed = true
    for (const fd of [wait, report]) closeFd(fd)
  }
  return {
    gate: { wait, report, reports, closeChildEnds },
    open: () => writeSync(go, '!'),
    close() {
      closeChildEnds()
      for (const fd of [go, reports]) closeSync(fd)
    },
  }
}

/** Memory of a process that no other has, and its part of what is shared, in KiB (proc_pid_smaps(5)). */
function memoryOf(pid: number): number {
  return Number(/^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1])
}

const map = [{ inside: 0, outside: 100_000, size: 10 }]
const all: SpawnOptions['namespaces'] = {
  user: 'new',
  pid: 'new',
  mount: 'new',
  network: 'new',
  uts: 'new',
  ipc: 'new',
  cgroup: 'new',
}

describeOn(['root'], 'a process at its gate', () => {
  it.each([
    ['in our namespaces', {}],
    ['in namespaces of its own', { namespaces: all, idMaps: { uid: map, gid: map } }],
  ])('holds less than 100 KB, and executes its command when it is opened (%s)', async (_, where) => {
    const gate = openGate()
    try {
      const child = await spawn({
        command: ['sh', '-c', 'exit 7'],
        env: { PATH: '/usr/bin:/bin', LARGE: 'x'.repeat(8192) },
        stdio: ['ignore', 'ignore', 'ignore'],
        gate: gate.gate,
        ...where,
      })
      const memory = memoryOf(child.pid)
      expect(memory).toBeGreaterThan(0)
      expect(memory).toBeLessThan(100_000 / 1024)
      expect(readFileSync(`/proc/${child.pid}/comm`, 'latin1')).not.toContain('node')
      gate.open()
      expect(await child.wait()).toEqual({ exitCode: 7, signal: undefined })
      expect(readSync(gate.gate.reports, Buffer.alloc(16))).toBe(0) // no failure
    } finally {
      gate.close()
    }
  })
})
