import { errnoNumber } from '../errno.js'
import { giveBack, takeBlock, type Block } from '../memory.js'
import { syscallNumber } from '../syscall-number.js'
import { withBits } from '../bits.js'
import {
  CLONE_CLEAR_SIGHAND,
  CLONE_INTO_CGROUP,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
} from '../constants/namespace.js'
import { Ref, roomFor, Writer } from './argument.js'
import { cloneArgs, control, entry, MAX_TOLERATED, NO_ERRNO } from './layout.js'
import type { Entry, Program } from './program.js'

/** How the child of a program is cloned. */
export interface CloneOptions {
  /** `CLONE_NEW*` of the namespaces that the child begins in. */
  readonly flags: number
  /** v2 cgroup folder, open with `O_PATH`, that the child begins in (`CLONE_INTO_CGROUP`). */
  readonly cgroup?: number | undefined
}

/** A program laid out in memory, ready for the trampoline. */
export interface Compiled {
  readonly block: Block
  readonly writer: Writer
}

const SIGCHLD = 17

/**
 * Lays a program out in memory. The child shares the memory of its parent until `execve`, and its parent
 * thread waits for that (`CLONE_VM | CLONE_VFORK`), so that nothing is copied and results are seen.
 *
 * @param program - What is to be executed.
 * @param clone - How to clone the child; undefined to execute in place.
 * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: an argument that cannot be handed to the kernel.
 */
export function compile(program: Program, clone: CloneOptions | undefined): Compiled {
  const block = takeBlock(roomForProgram(program))
  try {
    const compiled = layOut(program, block)
    if (clone !== undefined) writeCloneArgs(block, compiled.writer, clone)
    return compiled
  } catch (error) {
    giveBack(block)
    throw error
  }
}

/** Bytes that a program takes at most. */
export function roomForProgram({ entries }: Program): number {
  let room = control.size + entries.length * entry.size
  for (const { args } of entries) room += roomFor(args)
  return room
}

/** Writes a program, to be executed in place, into memory that has room for it. */
export function layOut({ entries }: Program, block: Block): Compiled {
  const first = control.size
  const data = first + entries.length * entry.size
  block.bytes.fill(0, 0, data)
  const writer = new Writer(block, data)
  writer.word(control.entries, block.address + first)
  writer.word(control.end, block.address + data)
  writer.word(control.allSignals, -1)
  block.words[control.pidfd >> 2] = 0xffffffff
  for (let index = 0; index < entries.length; index++) {
    writeEntry(block, writer, first + index * entry.size, entries[index]!, first)
  }
  return { block, writer }
}

function writeCloneArgs(block: Block, writer: Writer, { flags, cgroup }: CloneOptions): void {
  const base = control.cloneArgsBlock
  writer.word(control.cloneArgs, block.address + base)
  writer.word(control.cloneSize, cloneArgs.size)
  writer.word(base + cloneArgs.flags, childFlags(flags, cgroup))
  writer.word(base + cloneArgs.pidfd, block.address + control.pidfd)
  writer.word(base + cloneArgs.parentTid, block.address + control.pid)
  writer.word(base + cloneArgs.exitSignal, SIGCHLD)
  writer.word(base + cloneArgs.cgroup, cgroup ?? 0)
}

/** All flags of the clone3 that makes the child of a program. */
export function childFlags(flags: number, cgroup: number | undefined): number {
  const own = CLONE_VM + CLONE_VFORK + CLONE_PIDFD + CLONE_PARENT_SETTID + CLONE_CLEAR_SIGHAND
  return withBits(flags, own + (cgroup === undefined ? 0 : CLONE_INTO_CGROUP))
}

function writeEntry(block: Block, writer: Writer, offset: number, item: Entry, first: number): void {
  let references = 0
  for (let index = 0; index < item.args.length; index++) {
    const value = item.args[index]!
    const at = offset + entry.arguments + index * 8
    if (value instanceof Ref) {
      references |= 1 << index
      writer.word(at, block.address + first + value.entry * entry.size + entry.result)
    } else {
      writer.argument(at, value)
    }
  }
  if (item.leave === true && item.call === 'clone3') storeClonedPid(block, writer, offset, item.args)
  block.words[(offset + entry.call) >> 2] = syscallNumber(item.call)
  block.bytes[offset + entry.references] = references
  block.bytes[offset + entry.leave] = item.leave === true ? 1 : 0
  if (item.minimum === 'any') writer.word(offset + entry.minimum, -(2n ** 63n))
  else if (item.minimum !== undefined) writer.word(offset + entry.minimum, item.minimum)
  const tolerated = (offset + entry.tolerated) >> 2
  for (let slot = 0; slot < MAX_TOLERATED / 2; slot++) block.words[tolerated + slot] = NO_ERRNOS
  item.tolerate?.forEach((name, slot) => {
    block.bytes.writeInt16LE(-(errnoNumber(name) ?? 0), offset + entry.tolerated + 2 * slot)
  })
}

/** Two unused slots in one word. */
const NO_ERRNOS = (NO_ERRNO & 0xffff) * 0x10001

/** Where a `clone3` entry, which has two arguments, keeps the pid of its child: in place of the last one. */
const CLONED_PID = entry.arguments + 5 * 8

/**
 * Has the kernel store the pid of a nested clone before that one runs: its result is only stored when the
 * cloning process goes on, and that may be killed first.
 */
function storeClonedPid(block: Block, writer: Writer, offset: number, args: Entry['args']): void {
  const [struct, size] = args
  if (typeof struct !== 'object' || struct === null || struct instanceof Ref) return
  if (typeof size !== 'number' || size < cloneArgs.parentTid + 8) return
  const at = readWord(block, offset + entry.arguments) - block.address
  if ((block.words[at >> 2]! & CLONE_PARENT_SETTID) !== 0) return // stored where its author wants it
  block.words[at >> 2]! |= CLONE_PARENT_SETTID
  writer.word(at + cloneArgs.parentTid, block.address + offset + CLONED_PID)
}

/** Pid of the process that the `clone3` entry at `index` made; 0 when it made none. */
export function clonedPidAt(block: Block, index: number): number {
  const result = resultAt(block, index)
  if (result !== 0) return Math.max(result, 0)
  return block.words[(control.size + index * entry.size + CLONED_PID) >> 2]!
}

/** Result of the entry at `index`, as the kernel returned it: negative for an error. */
export function resultAt(block: Block, index: number): number {
  return readWord(block, control.size + index * entry.size + entry.result)
}

/** Position of the entry that was begun last; -1 when none was. */
export function currentEntry(block: Block): number {
  const address = readWord(block, control.current)
  return address === 0 ? -1 : (address - block.address - control.size) / entry.size
}

/** True when the entry that was begun last ended the program. */
export function hasFailed(block: Block): boolean {
  return block.words[control.failed >> 2] !== 0
}

/** Process id of the child as this process sees it; 0 before it exists. */
export function pidOf(block: Block): number {
  return block.words[control.pid >> 2]!
}

/** The pidfd of the child. */
export function pidfdOf(block: Block): number {
  return block.bytes.readInt32LE(control.pidfd)
}

function readWord(block: Block, offset: number): number {
  const at = offset >> 2
  return (block.words[at + 1]! | 0) * 2 ** 32 + block.words[at]!
}
