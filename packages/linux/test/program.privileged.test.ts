import { closeSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import {
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  Program,
  execute,
  executeSync,
  isSyscallError,
  MS_PRIVATE,
  MS_REC,
  onReadable,
  openHow,
  OPEN_HOW_SIZE,
  AT_FDCWD,
  O_RDONLY,
  out,
  pidfdSendSignal,
  start,
  stringVector,
  syscall,
  waitid,
  type ExitStatus,
  type StartedChild,
} from '../src/index.js'

leakCheck()

/** A program that runs `command` with this process's stdio. */
function exec(command: readonly string[], program = new Program()): Program {
  program.call('rt_sigprocmask', [2, Buffer.alloc(8), null, 8])
  program.call('execve', [command[0]!, stringVector(command), stringVector(['PATH=/usr/bin:/bin'])])
  return program
}

async function ended(child: StartedChild): Promise<ExitStatus> {
  await new Promise<void>((resolve) => onReadable(child.pidfd, resolve))
  const status = waitid(child.pidfd)
  closeSync(child.pidfd)
  return status
}

describe('executeSync()', () => {
  it('executes the calls in order and hands results on', () => {
    const buffer = Buffer.alloc(64)
    const program = new Program()
    const file = program.call('openat2', [
      AT_FDCWD,
      '/proc/self/comm',
      openHow({ flags: O_RDONLY }),
      OPEN_HOW_SIZE,
    ])
    const read = program.call('read', [file, out(buffer), buffer.length])
    program.call('close', [file])
    const length = executeSync(program).get(read)
    expect(buffer.toString('utf8', 0, length)).toBe(readFileSync('/proc/self/comm', 'utf8'))
  })

  it('stops at the first failure and says which call it was', () => {
    const program = new Program()
    program.call('getpid', [])
    program.step('open the file').call('openat', [AT_FDCWD, '/does/not/exist', O_RDONLY])
    program.call('getpid', [])
    expect(() => executeSync(program)).toThrow(
      expect.objectContaining({
        name: 'SyscallError',
        code: 'ENOENT',
        errno: 2,
        syscall: 'openat',
        entry: 1,
        step: 'open the file',
        message:
          'cannot open the file: openat(AT_FDCWD, "/does/not/exist", O_RDONLY): ENOENT (no such file or directory)',
      }),
    )
  })

  it('goes on after errors that are tolerated, and returns them', () => {
    const program = new Program()
    const made = program.call('mkdirat', [AT_FDCWD, '/proc', 0o755], {
      tolerate: ['EACCES', 'ENOTDIR', 'EEXIST'],
    })
    const pid = program.call('getpid', [])
    const results = executeSync(program)
    expect(results.get(made)).toBe(-17)
    expect(results.get(pid)).toBe(process.pid)
  })

  it('fails on a result below the minimum', () => {
    const program = new Program()
    const empty = program.call('openat', [AT_FDCWD, '/dev/null', O_RDONLY])
    program.call('read', [empty, out(Buffer.alloc(1)), 1], { minimum: 1, step: 'wait for the other side' })
    let fd = -1
    try {
      executeSync(program)
    } catch (error) {
      expect(error).toMatchObject({ code: 'EPIPE', entry: 1 })
    }
    // entry 0 took effect: its descriptor is the lowest that was free
    fd = syscall('openat', AT_FDCWD, '/dev/null', O_RDONLY) - 1
    closeSync(fd)
    closeSync(fd + 1)
  })
})

describe('execute()', () => {
  it('executes on the pool', async () => {
    const program = new Program()
    const pid = program.call('getpid', [])
    expect((await execute(program)).get(pid)).toBe(process.pid)
  })
})

describe('syscall()', () => {
  it('names call, arguments and errno of what the kernel refuses', () => {
    try {
      syscall('mount', 'proc', '/does/not/exist', 'proc', MS_PRIVATE + MS_REC, null)
      throw new Error('must not come here')
    } catch (error) {
      expect(isSyscallError(error)).toBe(true)
      expect(error).toMatchObject({
        syscall: 'mount',
        args: ['"proc"', '"/does/not/exist"', '"proc"', 'MS_REC|MS_PRIVATE', 'NULL'],
      })
    }
  })
})

describe('start()', () => {
  it('starts a process and sees its exit code', async () => {
    const child = await start(exec(['/bin/sh', '-c', 'exit 7']), { flags: 0 }).completed
    expect(await ended(child)).toEqual({ exitCode: 7, signal: undefined })
  })

  it('sees the signal that ended a process', async () => {
    const child = await start(exec(['/bin/sleep', '60']), { flags: 0 }).completed
    expect(pidfdSendSignal(child.pidfd, 15)).toBe(true)
    expect(await ended(child)).toEqual({ exitCode: undefined, signal: 15 })
    expect(() => pidfdSendSignal(child.pidfd, 15)).toThrow(expect.objectContaining({ code: 'EBADF' }))
  })

  it('rejects with the failing entry and leaves no child', async () => {
    await expect(start(exec(['/does/not/exist']), { flags: 0 }).completed).rejects.toMatchObject({
      code: 'ENOENT',
      syscall: 'execve',
      entry: 1,
    })
  })

  it('has 64 starts in flight at once', async () => {
    const children = await Promise.all(
      Array.from({ length: 64 }, () => start(exec(['/bin/true']), { flags: 0 }).completed),
    )
    const statuses = await Promise.all(children.map((child) => ended(child)))
    expect(statuses.every(({ exitCode }) => exitCode === 0)).toBe(true)
  })
})

describeOn(['root'], 'start() in new namespaces', () => {
  it('sets the host name inside and leaves ours alone', async () => {
    const before = readFileSync('/proc/sys/kernel/hostname', 'utf8')
    const program = new Program()
    program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
    program.call('sethostname', ['inside', 6])
    exec(['/bin/sh', '-c', 'test "$(cat /proc/sys/kernel/hostname)" = inside && test $$ = 1'], program)
    const child = await start(program, { flags: CLONE_NEWUTS + CLONE_NEWPID + CLONE_NEWNS }).completed
    expect(await ended(child)).toEqual({ exitCode: 0, signal: undefined })
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(before)
  })
})
