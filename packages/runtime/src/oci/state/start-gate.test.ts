import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { isWaitingAtGate, makeStartGate, openGate, removeGate } from './start-gate.js'

/** A shell that has the child's ends of a gate as 3 and 4, beside the end of a pipe as its standard output. */
async function withGate(
  folder: string,
  script: string,
): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
  using gate = makeStartGate(folder)
  const child = spawn('bash', ['-c', script], {
    stdio: ['ignore', 'pipe', 'inherit', gate.wait, gate.report],
  })
  const ended = once(child, 'exit')
  await once(child, 'spawn')
  return { child, ended }
}

/** A report as the executable of a container writes it. */
const report = (entry: number, result: number): Buffer => {
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64LE(BigInt(entry), 0)
  bytes.writeBigInt64LE(BigInt(result), 8)
  return bytes
}
const printf = (entry: number, result: number): string =>
  `printf '${[...report(entry, result)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}' >&4`

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return '' // that of the listing itself
  }
}

describe('makeStartGate()', () => {
  it('keeps a process waiting until another one opens it', async () => {
    using folder = temporaryFolder()
    const { child, ended } = await withGate(
      folder.path,
      'head -c1 <&3 >/dev/null; exec echo started 3<&- 4>&-',
    )
    expect(readdirSync(folder.path).sort()).toEqual(['result.fifo', 'start.fifo'])
    expect(isWaitingAtGate(folder.path)).toBe(true)
    const started = once(child.stdout!, 'data')
    using gate = openGate(folder.path)
    expect(isWaitingAtGate(folder.path)).toBe(true)
    expect(gate!.release()).toBe(true)
    expect(await gate!.outcome()).toBeUndefined()
    expect(String((await started)[0])).toBe('started\n')
    await ended
    expect(readdirSync(folder.path)).toEqual([])
    expect(isWaitingAtGate(folder.path)).toBe(false)
    expect(openGate(folder.path)).toBeUndefined()
  })

  it('closes what it opened, and nothing twice', () => {
    using folder = temporaryFolder()
    const gate = makeStartGate(folder.path)
    gate.closeChildEnds()
    gate.closeChildEnds()
    gate[Symbol.dispose]()
    gate[Symbol.dispose]()
    const open = readdirSync('/proc/self/fd').map((fd) => linkOf(fd))
    expect(open.filter((target) => target.startsWith(folder.path))).toEqual([])
    removeGate(folder.path)
    removeGate(folder.path)
    expect(readdirSync(folder.path)).toEqual([])
  })
})

describe('OpenGate', () => {
  it('tells of the failure that is reported, and skips that the process had come to the gate', async () => {
    using folder = temporaryFolder()
    const { ended } = await withGate(
      folder.path,
      `${printf(-1, 0)}; head -c1 <&3 >/dev/null; ${printf(7, -2)}`,
    )
    using gate = openGate(folder.path)
    gate!.release()
    expect(await gate!.outcome()).toEqual({ entry: 7, result: -2 })
    await ended
  })

  it('sees the end of a process that is killed on its way', async () => {
    using folder = temporaryFolder()
    const { ended } = await withGate(folder.path, 'head -c1 <&3 >/dev/null; kill -9 $$')
    using gate = openGate(folder.path)
    gate!.release()
    expect(await gate!.outcome()).toBeUndefined()
    await ended
  })

  it('finds nobody where the process has ended, before and after it was opened', async () => {
    using folder = temporaryFolder()
    const { child, ended } = await withGate(folder.path, 'exec head -c1 <&3 >/dev/null')
    using gate = openGate(folder.path)
    child.kill('SIGKILL')
    await ended
    expect(openGate(folder.path)).toBeUndefined()
    expect(isWaitingAtGate(folder.path)).toBe(false)
    expect(existsSync(`${folder.path}/start.fifo`)).toBe(true)
    expect(gate!.release()).toBe(false)
    expect(await gate!.outcome()).toBeUndefined()
  })

  it('takes a process that was let go for started, when whoever did it was killed before it removed the gate', async () => {
    using folder = temporaryFolder()
    const { child, ended } = await withGate(folder.path, 'head -c1 <&3 >/dev/null; exec sleep 30 3<&- 4>&-')
    using gate = openGate(folder.path)
    gate!.release()
    await gate!.outcome()
    makeStartGate(folder.path)[Symbol.dispose]() // as if it had not been removed: there, with nobody behind it
    expect(readdirSync(folder.path).sort()).toEqual(['result.fifo', 'start.fifo'])
    expect(isWaitingAtGate(folder.path)).toBe(false)
    expect(openGate(folder.path)).toBeUndefined()
    child.kill('SIGKILL')
    await ended
  })
})
