import { giveBack, takeBlock, type Block } from '../memory.js'
import { native } from '../native.js'
import { Writer } from '../program/argument.js'
import { resultAt } from '../program/compile.js'
import { control, entry } from '../program/layout.js'
import { syscallNumber } from '../syscall-number.js'

/** A file for {@link readFiles}. */
export interface FileRead {
  readonly fd: number
  /** Bytes that it takes at most. */
  readonly room: number
}

/**
 * Reads many small files from their beginning, one pread(2) each, in one step out of JavaScript: for those of the
 * kernel (`/proc`, `/sys`, cgroups), where the way through Node costs more than the reading.
 *
 * @param files - Each with room for more bytes than it has.
 * @returns The text of each, one character a byte, in order; `undefined` for one that could not be read, or has filled
 *   its room and may be longer: to be read by itself, which tells.
 */
export function readFiles(files: readonly FileRead[]): (string | undefined)[] {
  const first = control.size
  const data = first + files.length * entry.size
  let size = data
  for (const { room } of files) size += room
  const block = takeBlock(size)
  try {
    layOut(block, files, data)
    native().run(block.address)
    // the text of all is taken at once: parts of a string cost next to nothing
    const text = block.bytes.toString('latin1', data, size)
    let start = 0
    return files.map(({ room }, index) => {
      const at = start
      start += room
      const length = resultAt(block, index)
      return length < 0 || length >= room ? undefined : text.slice(at, at + length)
    })
  } finally {
    giveBack(block)
  }
}

/** A program of nothing but reads, each of which may fail. Written by hand: it is made anew for every round of reads. */
function layOut(block: Block, files: readonly FileRead[], data: number): void {
  const first = control.size
  const { words, address } = block
  const call = syscallNumber('pread64')
  words.fill(0, 0, data >> 2)
  const writer = new Writer(block, data)
  writer.word(control.entries, address + first)
  writer.word(control.end, address + data)
  let buffer = address + data
  for (let index = 0; index < files.length; index++) {
    const { fd, room } = files[index]!
    const at = first + index * entry.size
    words[(at + entry.call) >> 2] = call
    writer.word(at + entry.arguments, fd)
    writer.word(at + entry.arguments + 8, buffer)
    writer.word(at + entry.arguments + 16, room)
    words[(at + entry.minimum + 4) >> 2] = 0x80000000 // the lowest number: no result ends the program
    buffer += room
  }
}
