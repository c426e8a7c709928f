import { readFileSync, readSync, writeSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { leakCheck } from '@ctr/testing'
import {
  AT_EMPTY_PATH,
  closeFd,
  F_SETFD,
  FD_CLOEXEC,
  openExecutable,
  parseReport,
  pipe2,
  Program,
  O_CLOEXEC,
  REPORT_SIZE,
  reportedFailure,
  start,
  stringVector,
  type StartedChild,
} from '../src/index.js'
import { ended, exec, until } from './programs/children.js'

leakCheck()

/** Starts a child that becomes an executable of its own, which executes `program`. */
async function startExecutable(
  program: Program,
  report: number,
  fds: readonly number[] = [],
): Promise<StartedChild> {
  using file = openExecutable(program, report)
  const setup = new Program()
  for (const fd of [report, ...fds]) setup.call('fcntl', [fd, F_SETFD, 0])
  setup.call('execveat', [file.number, '', stringVector(['ctr-init']), stringVector([]), AT_EMPTY_PATH])
  const child = await start(setup, { flags: 0 }).completed
  closeFd(report)
  return child
}

function kilobytes(pid: number, field: string): number {
  return Number(
    new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1],
  )
}

describe('openExecutable()', () => {
  it('executes a program as a process of its own, and says nothing when that succeeds', async () => {
    const [reports, report] = pipe2(O_CLOEXEC)
    const program = new Program()
    program.call('fcntl', [report, F_SETFD, FD_CLOEXEC])
    const child = await startExecutable(exec(['/bin/sh', '-c', 'exit 9'], program), report)
    expect(readSync(reports, Buffer.alloc(REPORT_SIZE))).toBe(0)
    expect(await ended(child)).toEqual({ exitCode: 9, signal: undefined })
    closeFd(reports)
  })

  it('reports the entry that failed and why', async () => {
    const [reports, report] = pipe2(O_CLOEXEC)
    const program = exec(['/does/not/exist'])
    const child = await startExecutable(program, report)
    const bytes = Buffer.alloc(REPORT_SIZE)
    expect(readSync(reports, bytes)).toBe(REPORT_SIZE)
    expect(parseReport(bytes)).toEqual({ entry: 1, result: -2 })
    expect(reportedFailure(program, parseReport(bytes))).toMatchObject({ code: 'ENOENT', syscall: 'execve' })
    expect(await ended(child)).toEqual({ exitCode: 127, signal: undefined })
    closeFd(reports)
  })

  it('has nothing of this process: neither its memory nor its program', async () => {
    const [reports, report] = pipe2(O_CLOEXEC)
    const [wait, go] = pipe2(O_CLOEXEC)
    const program = new Program()
    program.call('read', [wait, new Uint8Array(1), 1], { minimum: 1 })
    const child = await startExecutable(exec(['/bin/true'], program), report, [wait])
    await until(() => readFileSync(`/proc/${child.pid}/wchan`, 'utf8') !== '0')
    expect(readFileSync(`/proc/${child.pid}/maps`, 'utf8')).not.toContain('node')
    expect(kilobytes(child.pid, 'Pss')).toBeLessThan(100)
    writeSync(go, 'x')
    expect(await ended(child)).toEqual({ exitCode: 0, signal: undefined })
    for (const fd of [reports, wait, go]) closeFd(fd)
  })
})
