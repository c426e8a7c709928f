import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'
import { describeOn, temporaryFolder } from '@ctr/testing'
import { Writer, type Argument, type Ref } from '../src/program/argument.js'
import { control, entry, NO_ERRNO } from '../src/program/layout.js'
import { executableCode, trampolineCode } from '../src/program/trampoline/code.js'
import { arm64SyscallNumbers } from '../src/syscall-numbers/arm64.js'

const here = fileURLToPath(new URL('.', import.meta.url))

describeOn(['bin:as', 'bin:objcopy', 'bin:aarch64-linux-gnu-as'], 'trampolineCode', () => {
  it('is what the sources assemble to', () => {
    const script = join(here, '../scripts/build-trampoline.mjs')
    const built = JSON.parse(
      execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' }),
    ) as unknown
    expect(built).toEqual({
      x64: trampolineCode.x64.toString('hex'),
      arm64: trampolineCode.arm64.toString('hex'),
      executableX64: executableCode.x64.toString('hex'),
      executableArm64: executableCode.arm64.toString('hex'),
    })
  })
})

/** An entry of a program for arm64; `references` are argument positions and the entries that they refer to. */
interface ArmEntry {
  readonly call: keyof typeof arm64SyscallNumbers
  readonly args: readonly Exclude<Argument, Ref>[]
  readonly references?: Readonly<Record<number, number>>
  readonly tolerate?: number
  readonly minimum?: number
  readonly leave?: boolean
}

/** What a run under qemu has left behind. */
interface Outcome {
  readonly returned: bigint
  readonly failed: bigint
  /** Position of the entry that was begun last. */
  readonly current: number
  readonly results: readonly bigint[]
  /** What the program has written to its standard error. */
  readonly text: string
}

const ADDRESS = 0x600000
const SIZE = 4096

function layOut(entries: readonly ArmEntry[], cloneFlags: bigint | undefined): Buffer {
  const memory = new ArrayBuffer(SIZE)
  const bytes = Buffer.from(memory)
  const data = control.size + entries.length * entry.size
  const writer = new Writer({ address: ADDRESS, size: SIZE, bytes, words: new Uint32Array(memory) }, data)
  writer.word(control.entries, ADDRESS + control.size)
  writer.word(control.end, ADDRESS + data)
  writer.word(control.allSignals, -1)
  if (cloneFlags !== undefined) {
    writer.word(control.cloneArgs, ADDRESS + control.cloneArgsBlock)
    writer.word(control.cloneSize, 88)
    writer.word(control.cloneArgsBlock, cloneFlags)
  }
  entries.forEach(({ call, args, references = {}, tolerate, minimum = 0, leave = false }, index) => {
    const at = control.size + index * entry.size
    bytes.writeUInt32LE(arm64SyscallNumbers[call], at + entry.call)
    args.forEach((value, n) => writer.argument(at + entry.arguments + n * 8, value))
    for (const [n, of] of Object.entries(references)) {
      bytes[at + entry.references]! |= 1 << Number(n)
      writer.word(
        at + entry.arguments + Number(n) * 8,
        ADDRESS + control.size + of * entry.size + entry.result,
      )
    }
    bytes[at + entry.leave] = leave ? 1 : 0
    writer.word(at + entry.minimum, minimum)
    for (let slot = 0; slot < 4; slot++) {
      // the last slot, so that all are looked at
      bytes.writeInt16LE(slot === 3 ? (tolerate ?? NO_ERRNO) : NO_ERRNO, at + entry.tolerated + slot * 2)
    }
  })
  return bytes
}

function runOnArm(entries: readonly ArmEntry[], cloneFlags?: bigint): Outcome {
  using folder = temporaryFolder('ctr-arm64-')
  const cwd = folder.path
  copyFileSync(join(here, 'fixtures/arm64-harness.S'), join(cwd, 'harness.S'))
  writeFileSync(join(cwd, 'trampoline.bin'), trampolineCode.arm64)
  writeFileSync(join(cwd, 'program.bin'), layOut(entries, cloneFlags))
  execFileSync('aarch64-linux-gnu-as', ['harness.S', '-o', 'harness.o'], { cwd })
  const linking = ['-static', `-Tdata=0x${ADDRESS.toString(16)}`, 'harness.o', '-o', 'harness']
  execFileSync('aarch64-linux-gnu-ld', linking, { cwd })
  const { status, stdout, stderr } = spawnSync('qemu-aarch64-static', ['./harness'], { cwd, timeout: 30_000 })
  expect({ status, stderr: status === 0 ? '' : stderr.toString() }).toEqual({ status: 0, stderr: '' })
  expect(stdout.length).toBe(8 + SIZE)
  const memory = stdout.subarray(8)
  const last = memory.readBigUInt64LE(control.current)
  return {
    returned: stdout.readBigInt64LE(0),
    failed: memory.readBigInt64LE(control.failed),
    current: last === 0n ? -1 : (Number(last) - ADDRESS - control.size) / entry.size,
    results: entries.map((_, index) =>
      memory.readBigInt64LE(control.size + index * entry.size + entry.result),
    ),
    text: stderr.toString(),
  }
}

const needs = ['bin:qemu-aarch64-static', 'bin:aarch64-linux-gnu-as', 'bin:aarch64-linux-gnu-ld'] as const

describeOn(needs, 'the arm64 trampoline, executing in place under qemu-user, which has no clone3', () => {
  const openNull: ArmEntry = { call: 'openat', args: [-100, '/dev/null', 0] }

  it('executes entries in order and hands results on to any argument', () => {
    const entries: ArmEntry[] = [
      openNull,
      { call: 'dup3', args: [null, 10, 0], references: { 0: 0 } },
      { call: 'write', args: [2, 'in place\n', 9] },
      { call: 'getpid', args: [] },
      { call: 'pread64', args: [10, new Uint8Array(4), 4, 0] },
      // a length and an offset of 0 by reference: arguments 2 and 3
      { call: 'pread64', args: [10, new Uint8Array(4), null, null], references: { 2: 4, 3: 4 } },
      // mmap(0, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) with flags and offset by reference
      { call: 'fcntl', args: [10, 1] },
      { call: 'mmap', args: [null, 4096, 1, 0x22, -1, null], references: { 5: 6 } },
    ]
    const { returned, failed, current, results, text } = runOnArm(entries)
    expect({ returned, failed, current, text }).toEqual({
      returned: 0n,
      failed: 0n,
      current: 7,
      text: 'in place\n',
    })
    expect(results.slice(0, 3)).toEqual([3n, 10n, 9n])
    expect(results[3]).toBeGreaterThan(0n)
    expect(results.slice(4, 7)).toEqual([0n, 0n, 0n])
    expect(results[7]).toBeGreaterThan(0n)
  })

  it('goes on after an error that is tolerated', () => {
    const { failed, current, results } = runOnArm([
      { call: 'mkdirat', args: [-100, '/', 0o755], tolerate: -17 },
      openNull,
    ])
    expect({ failed, current, results }).toEqual({ failed: 0n, current: 1, results: [-17n, 3n] })
  })

  it('stops at an error that is not', () => {
    const { returned, failed, current, results, text } = runOnArm([
      { call: 'mkdirat', args: [-100, '/', 0o755], tolerate: -1 },
      { call: 'write', args: [2, 'must not\n', 9] },
    ])
    expect({ returned, failed, current, results, text }).toEqual({
      returned: 0n,
      failed: 1n,
      current: 0,
      results: [-17n, 0n],
      text: '',
    })
  })

  it('stops at a result below the minimum', () => {
    const { failed, current, results } = runOnArm([
      openNull,
      { call: 'read', args: [null, new Uint8Array(1), 1], references: { 0: 0 }, minimum: 1 },
      openNull,
    ])
    expect({ failed, current, results }).toEqual({ failed: 1n, current: 1, results: [3n, 0n, 0n] })
  })

  it('leaves the parent of a clone within a program, and goes on in the child', () => {
    const SIGCHLD = 17
    const { returned, failed, results, text } = runOnArm([
      { call: 'clone', args: [SIGCHLD, null, null, null, null], leave: true },
      { call: 'write', args: [2, 'child\n', 6] },
      { call: 'exit_group', args: [0] },
    ])
    expect({ returned, failed, text }).toEqual({ returned: 0n, failed: 0n, text: 'child\n' })
    expect(results[0]).toBeGreaterThan(0n)
    expect(results.slice(1)).toEqual([0n, 0n]) // in memory of its own: the child's results are not seen here
  })

  it('returns the error of clone3 (ENOSYS), and executes nothing', () => {
    const CLONE_VM_VFORK = 0x4100n
    const { returned, current, text } = runOnArm([{ call: 'write', args: [2, 'x', 1] }], CLONE_VM_VFORK)
    expect({ returned, current, text }).toEqual({ returned: -38n, current: -1, text: '' })
  })
})
