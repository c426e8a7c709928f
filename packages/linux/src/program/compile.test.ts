import { describe, expect, it } from '@jest/globals'
import {
  CLONE_CLEAR_SIGHAND,
  CLONE_INTO_CGROUP,
  CLONE_NEWPID,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_VM,
} from '../constants/namespace.js'
import { giveBack } from '../memory.js'
import { syscallNumber } from '../syscall-number.js'
import { Struct } from './argument.js'
import { childFlags, compile, type Compiled } from './compile.js'
import { cloneArgs, control, entry, NO_ERRNO } from './layout.js'
import { Program } from './program.js'

function offset({ block }: Compiled, at: number): number {
  return Number(block.bytes.readBigUInt64LE(at)) - block.address
}

describe('compile()', () => {
  it('lays entries out behind the control block, their data behind them', () => {
    const program = new Program()
    const first = program.call('openat', [-100, '/a', 0])
    program.call('read', [first, null, 1], { minimum: 1, tolerate: ['EINTR', 'EIO'] })
    program.call('close', [first], { minimum: 'any' })
    const compiled = compile(program, undefined)
    const { bytes } = compiled.block
    const at = (index: number): number => control.size + index * entry.size
    expect(bytes.readBigUInt64LE(control.cloneArgs)).toBe(0n)
    expect(offset(compiled, control.entries)).toBe(at(0))
    expect(offset(compiled, control.end)).toBe(at(3))
    expect(bytes.readBigInt64LE(control.allSignals)).toBe(-1n)

    expect(bytes.readUInt32LE(at(0) + entry.call)).toBe(syscallNumber('openat'))
    expect(bytes[at(0) + entry.references]).toBe(0)
    expect(bytes.readBigInt64LE(at(0) + entry.arguments)).toBe(-100n)
    const path = offset(compiled, at(0) + entry.arguments + 8)
    expect(path).toBeGreaterThanOrEqual(at(3))
    expect(bytes.toString('utf8', path, path + 3)).toBe('/a\0')

    expect(bytes[at(1) + entry.references]).toBe(1)
    expect(offset(compiled, at(1) + entry.arguments)).toBe(at(0) + entry.result)
    expect(bytes.readBigInt64LE(at(1) + entry.minimum)).toBe(1n)
    const tolerated = [0, 2, 4, 6].map((slot) => bytes.readInt16LE(at(1) + entry.tolerated + slot))
    expect(tolerated).toEqual([-4, -5, NO_ERRNO, NO_ERRNO])
    expect(bytes.readBigInt64LE(at(2) + entry.minimum)).toBe(-(2n ** 63n))
    giveBack(compiled.block)
  })

  it('writes the clone arguments of the child', () => {
    const compiled = compile(new Program(), { flags: CLONE_NEWPID, cgroup: 9 })
    const { bytes } = compiled.block
    const base = control.cloneArgsBlock
    expect(offset(compiled, control.cloneArgs)).toBe(base)
    expect(bytes.readBigUInt64LE(control.cloneSize)).toBe(88n)
    expect(bytes.readBigUInt64LE(base + cloneArgs.flags)).toBe(BigInt(childFlags(CLONE_NEWPID, 9)))
    expect(offset(compiled, base + cloneArgs.pidfd)).toBe(control.pidfd)
    expect(offset(compiled, base + cloneArgs.parentTid)).toBe(control.pid)
    expect(bytes.readBigUInt64LE(base + cloneArgs.exitSignal)).toBe(17n)
    expect(bytes.readBigUInt64LE(base + cloneArgs.cgroup)).toBe(9n)
    giveBack(compiled.block)
  })

  it('has the pid of a nested clone stored before it runs, and leaves the caller’s bytes alone', () => {
    const args = Buffer.alloc(88)
    args.writeBigUInt64LE(BigInt(CLONE_VM + CLONE_PARENT), 0)
    const program = new Program()
    program.call('clone3', [new Struct(args, ''), 88], { leave: true })
    const compiled = compile(program, { flags: 0 })
    const struct = offset(compiled, control.size + entry.arguments)
    const flags = compiled.block.bytes.readBigUInt64LE(struct)
    expect(flags).toBe(BigInt(CLONE_VM + CLONE_PARENT + CLONE_PARENT_SETTID))
    expect(offset(compiled, struct + cloneArgs.parentTid)).toBe(control.size + entry.arguments + 5 * 8)
    expect(args.readBigUInt64LE(0)).toBe(BigInt(CLONE_VM + CLONE_PARENT))
    giveBack(compiled.block)
  })

  it('gives its memory back when an argument cannot be handed to the kernel', () => {
    const sized = (text: string): Program => {
      const program = new Program()
      program.call('chdir', [text + 'x'.repeat(1_100_000)]) // a size of block that nobody else uses
      return program
    }
    const before = compile(sized(''), undefined)
    giveBack(before.block)
    expect(() => compile(sized('\0'), undefined)).toThrow('it has a NUL byte')
    const after = compile(sized(''), undefined)
    expect(after.block).toBe(before.block)
    giveBack(after.block)
  })
})

describe('childFlags()', () => {
  it('sets its own flags once, also where the caller has set them', () => {
    const flags = childFlags(CLONE_CLEAR_SIGHAND + CLONE_INTO_CGROUP + CLONE_NEWPID, 3)
    expect(flags).toBe(childFlags(CLONE_NEWPID, 3))
    expect(Math.floor(flags / 2 ** 32)).toBe(3)
  })
})
