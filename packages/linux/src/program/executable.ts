import { fchmodSync, writeSync } from 'node:fs'
import { createMemory } from '../calls/memory-files.js'
import { F_ADD_SEALS, MFD_EXEC, SEALS_ALL } from '../constants/file.js'
import { LinuxError, type SyscallError } from '../errors.js'
import type { Fd } from '../fd.js'
import type { Block } from '../memory.js'
import { architecture } from '../native.js'
import { syscall } from '../syscall.js'
import { InPlace, Struct } from './argument.js'
import { layOut, roomForProgram } from './compile.js'
import { failureOf } from './execute.js'
import { control } from './layout.js'
import type { Program } from './program.js'
import { executableCode, trampolineCode } from './trampoline/code.js'

/**
 * Makes a program an executable file of its own: a static ELF of two pages, in anonymous memory and sealed, that
 * does nothing but execute the entries. A child that executes it has nothing left of this process, neither its
 * memory nor, as `/proc/self/exe`, its program on the host's file system.
 *
 * Nothing in the file is of use to anybody who gets hold of it but what the program holds itself.
 *
 * @param program - What it executes. Its last entry should be an `execve`; where it comes to an end, or an entry
 *   fails, it reports and exits with status 127.
 * @param reportTo - Descriptor of the process to be that a failure is written to, as {@link FailureReport} reads it.
 * @returns The file, close-on-exec, for `execveat(fd, '', argv, envp, AT_EMPTY_PATH)`.
 * @throws {@link SyscallError} `EACCES`: the sysctl `vm.memfd_noexec` is 2, which forbids executable memory files.
 * @see {@link https://man7.org/linux/man-pages/man2/memfd_create.2.html}
 */
export function openExecutable(program: Program, reportTo: number): Fd {
  const fd = createMemory('ctr-init', MFD_EXEC)
  try {
    const { head, data } = executable(program, reportTo)
    writeSync(fd.number, head, 0, head.length, 0)
    writeSync(fd.number, data, 0, data.length, DATA_OFFSET)
    fchmodSync(fd.number, 0o111) // a process that executes what it cannot read is not dumpable
    syscall('fcntl', fd.number, F_ADD_SEALS, SEALS_ALL)
    return fd
  } catch (error) {
    fd.close()
    throw error
  }
}

/** Bytes of a report: the position of the entry and its result, both 64 bits. */
export const REPORT_SIZE = 16

/** What an executable has reported. */
export interface FailureReport {
  /** Position of the entry; negative for what the program wrote itself, in the same form. */
  readonly entry: number
  /** Its result: a negative errno, or one below its minimum. */
  readonly result: number
}

/** Reads a report. */
export function parseReport(bytes: Buffer): FailureReport {
  return { entry: Number(bytes.readBigInt64LE(0)), result: Number(bytes.readBigInt64LE(8)) }
}

/** The error of a program that was executed elsewhere. */
export function reportedFailure(program: Program, { entry, result }: FailureReport): SyscallError {
  return failureOf(program, entry, result)
}

/**
 * The `struct sigaction` by which a signal ends an executable program with status 127: the first process of a pid
 * namespace would not notice a signal without a handler. An `execve` takes it back (rt_sigaction(2)).
 */
export function exitOnSignal(): Struct {
  const machine = architecture()
  const address = BigInt(CODE_ADDRESS + CODE_OFFSET + executableCode[machine].length - exitSize[machine])
  const bytes = Buffer.alloc(32)
  bytes.writeBigUInt64LE(address, 0)
  bytes.writeBigUInt64LE(BigInt(SA_RESTORER), 8)
  bytes.writeBigUInt64LE(address, 16) // it never returns
  return new Struct(bytes, '{exit}')
}

const SA_RESTORER = 0x04000000

/** Bytes of machine code from `exit_group` to the end of the executable's own part. */
const exitSize = { x64: 13, arm64: 16 } as const

// where the parts are in the file and in memory; a multiple of the largest page size, 64 KiB
const CODE_ADDRESS = 0x100000
const DATA_ADDRESS = 0x200000
const DATA_OFFSET = 0x10000
const ALIGNMENT = 0x10000

const ELF_HEADER = 64
const PROGRAM_HEADER = 56
const CODE_OFFSET = ELF_HEADER + 3 * PROGRAM_HEADER

interface Executable {
  /** Headers and machine code, at the beginning of the file. */
  readonly head: Uint8Array
  /** The program, at {@link DATA_OFFSET}. */
  readonly data: Uint8Array
}

function executable(program: Program, reportTo: number): Executable {
  if (program.entries.some(({ args }) => args.some((value) => value instanceof InPlace)))
    throw new LinuxError(
      'ERR_LINUX_INVALID_ARG',
      'cannot make an executable: it would not have bytes that lie elsewhere',
    )
  const bytes = Buffer.from(new ArrayBuffer((roomForProgram(program) + 7) & ~7))
  const block: Block = {
    address: DATA_ADDRESS,
    size: bytes.length,
    bytes,
    words: new Uint32Array(bytes.buffer, 0, bytes.length >> 2),
  }
  const { writer } = layOut(program, block)
  block.words[control.reportTo >> 2] = reportTo
  const data = bytes.subarray(0, writer.end)
  return { head: headOf(data.length), data }
}

/** ELF headers, see elf(5): one segment of code, one of data, and a stack that is not executable. */
function headOf(dataSize: number): Uint8Array {
  const machine = architecture()
  const code = Buffer.concat([executableCode[machine], trampolineCode[machine]])
  const head = Buffer.alloc(CODE_OFFSET + code.length)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // magic, 64 bits, little-endian, version 1
  head.writeUInt16LE(2, 16) // ET_EXEC
  head.writeUInt16LE(machine === 'x64' ? 62 : 183, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(BigInt(CODE_ADDRESS + CODE_OFFSET), 24) // e_entry
  head.writeBigUInt64LE(BigInt(ELF_HEADER), 32) // e_phoff
  head.writeUInt16LE(ELF_HEADER, 52)
  head.writeUInt16LE(PROGRAM_HEADER, 54)
  head.writeUInt16LE(3, 56)
  segment(head, 0, { type: PT_LOAD, flags: PF_R + PF_X, offset: 0, address: CODE_ADDRESS, size: head.length })
  segment(head, 1, {
    type: PT_LOAD,
    flags: PF_R + PF_W,
    offset: DATA_OFFSET,
    address: DATA_ADDRESS,
    size: dataSize,
  })
  segment(head, 2, { type: PT_GNU_STACK, flags: PF_R + PF_W, offset: 0, address: 0, size: 0 })
  head.set(code, CODE_OFFSET)
  return head
}

const PT_LOAD = 1
const PT_GNU_STACK = 0x6474e551
const PF_X = 1
const PF_W = 2
const PF_R = 4

interface Segment {
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

function segment(head: Buffer, index: number, { type, flags, offset, address, size }: Segment): void {
  const at = ELF_HEADER + index * PROGRAM_HEADER
  head.writeUInt32LE(type, at)
  head.writeUInt32LE(flags, at + 4)
  head.writeBigUInt64LE(BigInt(offset), at + 8)
  head.writeBigUInt64LE(BigInt(address), at + 16)
  head.writeBigUInt64LE(BigInt(address), at + 24)
  head.writeBigUInt64LE(BigInt(size), at + 32)
  head.writeBigUInt64LE(BigInt(size), at + 40)
  head.writeBigUInt64LE(BigInt(ALIGNMENT), at + 48)
}
