import { describe, expect, it } from '@jest/globals'
import type { SyscallName } from '../syscall-number.js'
import { Ref } from './argument.js'
import { Program } from './program.js'

const invalid = expect.objectContaining({
  name: 'LinuxError',
  code: 'ERR_LINUX_INVALID_ARG',
}) as unknown as Error

describe('Program.call()', () => {
  it('refuses calls that Linux does not have', () => {
    expect(() => new Program().call('frobnicate' as SyscallName, [])).toThrow(invalid)
    expect(() => new Program().call('constructor' as SyscallName, [])).toThrow(invalid)
  })

  it('refuses more than six arguments', () => {
    expect(() => new Program().call('getpid', [1, 2, 3, 4, 5, 6, 7])).toThrow(
      'cannot call getpid with 7 arguments: six is the most',
    )
  })

  it('refuses references to entries that are not before it', () => {
    const program = new Program()
    expect(() => program.call('close', [new Ref(0)])).toThrow(invalid)
    const first = program.call('getpid', [])
    expect(program.call('close', [first]).entry).toBe(1)
  })

  it('refuses errors that Linux does not have, and more than four of them', () => {
    const program = new Program()
    expect(() => program.call('getpid', [], { tolerate: ['EWHATEVER'] })).toThrow(invalid)
    expect(() =>
      program.call('getpid', [], { tolerate: ['E2BIG', 'EIO', 'EPERM', 'EBUSY', 'EAGAIN'] }),
    ).toThrow(invalid)
    expect(program.call('getpid', [], { tolerate: ['EWOULDBLOCK', 'ENOTSUP'] }).entry).toBe(0)
  })

  it('refuses a minimum that is no integer', () => {
    expect(() => new Program().call('read', [], { minimum: 0.5 })).toThrow(invalid)
  })

  it('adds nothing when it refuses', () => {
    const program = new Program()
    expect(() => program.call('close', [new Ref(3)])).toThrow(invalid)
    expect(program.length).toBe(0)
  })

  it('keeps arguments as they were', () => {
    const program = new Program()
    const args = [1]
    program.call('close', args)
    args[0] = 2
    expect(program.entries[0]?.args).toEqual([1])
  })
})

describe('Program.step()', () => {
  it('holds up to the next one; an entry can have its own', () => {
    const program = new Program()
    program.call('getpid', [])
    program.step('one').call('getpid', [])
    program.call('getpid', [], { step: 'two' })
    program.call('getpid', [], { step: undefined })
    program.step(undefined).call('getpid', [])
    expect(program.entries.map(({ step }) => step)).toEqual([undefined, 'one', 'two', 'one', undefined])
  })
})
