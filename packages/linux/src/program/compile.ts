import { errnoNumber } from '../errno.js'
import { takeBlock, type Block } from '../memory.js'
import { syscallNumber } from '../syscall-number.js'
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

const CLONE_VM = 0x100
const CLONE_VFORK = 0x4000
const CLONE_PIDFD = 0x1000
const CLONE_PARENT_SETTID = 0x100000
const CLONE_CLEAR_SIGHAND = 0x100000000
const CLONE_INTO_CGROUP = 0x200000000
const SIGCHLD = 17

/**
 * Lays a program out in memory. The child shares the memory of its parent until `execve`, and its parent
 * thread waits for that (`CLONE_VM | CLONE_VFORK`), so that nothing is copied and results are seen.
 *
 * @param program - What is to be executed.
 * @param clone - How to clone the child; undefined to execute in place.
 */
export function compile(program: Program, clone: CloneOptions | undefined): Compiled {
  const entries = program.entries
  const first = control.size
  const data = first + entries.length * entry.size
  let room = data
  for (const { args } of entries) room += roomFor(args)

  const block = takeBlock(room)
  block.bytes.fill(0, 0, data)
  const writer = new Writer(block, data)
  writer.word(control.entries, block.address + first)
  writer.word(control.end, block.address + data)
  writer.word(control.allSignals, -1)
  block.words[control.pidfd >> 2] = 0xffffffff
  if (clone !== undefined) writeCloneArgs(block, writer, clone)
  entries.forEach((item, index) => {
    writeEntry(block, writer, first + index * entry.size, item, first)
  })
  return { block, writer }
}

function writeCloneArgs(block: Block, writer: Writer, { flags, cgroup }: CloneOptions): void {
  const base = control.cloneArgsBlock
  const all = CLONE_VM + CLONE_VFORK + CLONE_PIDFD + CLONE_PARENT_SETTID + CLONE_CLEAR_SIGHAND
  writer.word(control.cloneArgs, block.address + base)
  writer.word(control.cloneSize, cloneArgs.size)
  writer.word(base + cloneArgs.flags, all + flags + (cgroup === undefined ? 0 : CLONE_INTO_CGROUP))
  writer.word(base + cloneArgs.pidfd, block.address + control.pidfd)
  writer.word(base + cloneArgs.parentTid, block.address + control.pid)
  writer.word(base + cloneArgs.exitSignal, SIGCHLD)
  writer.word(base + cloneArgs.cgroup, cgroup ?? 0)
}

function writeEntry(block: Block, writer: Writer, offset: number, item: Entry, first: number): void {
  let references = 0
  item.args.forEach((value, index) => {
    const at = offset + entry.arguments + index * 8
    if (value instanceof Ref) {
      references |= 1 << index
      writer.word(at, block.address + first + value.entry * entry.size + entry.result)
    } else {
      writer.argument(at, value)
    }
  })
  block.words[(offset + entry.call) >> 2] = syscallNumber(item.call)
  block.bytes[offset + entry.references] = references
  block.bytes[offset + entry.leave] = item.leave === true ? 1 : 0
  if (item.minimum === 'any') writer.word(offset + entry.minimum, -(2n ** 63n))
  else if (item.minimum !== undefined) writer.word(offset + entry.minimum, item.minimum)
  for (let slot = 0; slot < MAX_TOLERATED; slot++) {
    const name = item.tolerate?.[slot]
    const result = name === undefined ? NO_ERRNO : -(errnoNumber(name) ?? 0)
    block.bytes.writeInt16LE(result, offset + entry.tolerated + 2 * slot)
  }
}

/** Result of the entry at `index`, as the kernel returned it: negative for an error. */
export function resultAt(block: Block, index: number): number {
  return readWord(block, control.size + index * entry.size + entry.result)
}

/** Position of the entry that was begun last. */
export function currentEntry(block: Block): number {
  const address = readWord(block, control.current)
  return address === 0 ? 0 : (address - block.address - control.size) / entry.size
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
  const high = block.bytes.readInt32LE(offset + 4)
  return high * 2 ** 32 + block.words[offset >> 2]!
}
