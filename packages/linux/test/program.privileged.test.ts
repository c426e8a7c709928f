import { closeSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { leakCheck } from '@ctr/testing'
import {
  AF_UNIX,
  AT_FDCWD,
  execute,
  executeSync,
  InPlace,
  isSyscallError,
  MS_PRIVATE,
  MS_REC,
  O_RDONLY,
  OPEN_HOW_SIZE,
  openHow,
  openExecutable,
  out,
  prepare,
  Program,
  SOCK_DGRAM,
  syscall,
  syscallOr,
  type SyscallName,
} from '../src/index.js'

leakCheck()

describe('executeSync()', () => {
  it('executes the calls in order and hands results on', () => {
    const buffer = Buffer.alloc(64)
    const program = new Program()
    const how = openHow({ flags: O_RDONLY })
    const file = program.call('openat2', [AT_FDCWD, '/proc/self/comm', how, OPEN_HOW_SIZE])
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
    const tolerate = ['EACCES', 'ENOTDIR', 'EEXIST']
    const made = program.call('mkdirat', [AT_FDCWD, '/proc', 0o755], { tolerate })
    const pid = program.call('getpid', [])
    const results = executeSync(program)
    expect(results.get(made)).toBe(-17)
    expect(results.get(pid)).toBe(process.pid)
  })

  it('fails on a result below the minimum, having done what comes before', () => {
    const before = readdirSync('/proc/self/fd').length
    const program = new Program()
    const empty = program.call('openat', [AT_FDCWD, '/dev/null', O_RDONLY])
    program.call('dup3', [empty, 300, 0])
    program.call('close', [empty])
    program.call('read', [300, out(Buffer.alloc(1)), 1], { minimum: 1, step: 'wait for the other side' })
    expect(() => executeSync(program)).toThrow(expect.objectContaining({ code: 'EPIPE', entry: 3 }))
    closeSync(300)
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })

  it('does not take a small result for a tolerated one', () => {
    const program = new Program()
    const zeros = program.call('openat', [AT_FDCWD, '/dev/zero', O_RDONLY])
    program.call('dup3', [zeros, 301, 0])
    program.call('close', [zeros])
    program.call('read', [301, out(Buffer.alloc(0x7fff)), 0x7fff], { minimum: 0x8000 })
    expect(() => executeSync(program)).toThrow(expect.objectContaining({ code: 'EPIPE', entry: 3 }))
    closeSync(301)
  })

  it('executes an empty program', () => {
    expect(() => executeSync(new Program())).not.toThrow()
  })
})

describe('execute()', () => {
  it('executes on the pool, any number at once', async () => {
    const program = new Program()
    const pid = program.call('getpid', [])
    const thread = program.call('gettid', [])
    const results = await Promise.all(Array.from({ length: 600 }, () => execute(program)))
    expect(results.every((result) => result.get(pid) === process.pid)).toBe(true)
    expect(results.some((result) => result.get(thread) === process.pid)).toBe(false)
  })

  it('rejects with the entry that failed', async () => {
    const program = new Program()
    program.call('close', [-1], { step: 'close nothing' })
    await expect(execute(program)).rejects.toMatchObject({ code: 'EBADF', entry: 0, step: 'close nothing' })
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

  it('refuses more than six arguments', () => {
    expect(() => syscall('getpid', 1, 2, 3, 4, 5, 6, 7)).toThrow(
      expect.objectContaining({ code: 'ERR_LINUX_INVALID_ARG' }),
    )
  })

  it('refuses calls that this architecture does not have', () => {
    expect(() => syscall('toString' as SyscallName)).toThrow(
      expect.objectContaining({ code: 'ERR_LINUX_INVALID_ARG' }),
    )
  })
})

describe('syscallOr()', () => {
  it('returns an error by the name that it was expected by', () => {
    // listen(2) on a socket without connections
    const socket = syscall('socket', AF_UNIX, SOCK_DGRAM, 0)
    expect(syscallOr(['ENOTSUP'], 'listen', socket, 1)).toBe('ENOTSUP')
    expect(syscallOr(['EOPNOTSUPP'], 'listen', socket, 1)).toBe('EOPNOTSUPP')
    expect(() => syscallOr(['EPERM'], 'listen', socket, 1)).toThrow(
      expect.objectContaining({ code: 'EOPNOTSUPP' }),
    )
    closeSync(socket)
  })
})

describe('prepare()', () => {
  it('executes once, and tells results and the failure', async () => {
    const program = new Program()
    const pid = program.call('getpid', [])
    program.call('close', [-1])
    using prepared = prepare(program)
    const { results, failure } = await prepared.run()
    expect(results.get(pid)).toBe(process.pid)
    expect(failure).toMatchObject({ code: 'EBADF', entry: 1 })
    await expect(prepared.run()).rejects.toMatchObject({ code: 'ERR_LINUX_INVALID_ARG' })
  })

  it('hands over many bytes where they are', async () => {
    const bytes = Buffer.alloc(100_000, 'ab').subarray(1)
    const program = new Program()
    const file = program.call('memfd_create', ['in-place', 0])
    program.call('write', [file, new InPlace(bytes), bytes.length], { minimum: bytes.length })
    using prepared = prepare(program)
    const fd = (await prepared.run()).results.get(file)
    const read = readFileSync(`/proc/self/fd/${fd}`)
    closeSync(fd)
    expect(read.equals(bytes)).toBe(true)
    expect(() => openExecutable(program, 2)).toThrow(
      expect.objectContaining({ code: 'ERR_LINUX_INVALID_ARG' }),
    )
  })
})
