import { native } from './native.js'

/** A piece of memory at a fixed address, outside of V8's heap, that the kernel can be pointed at. */
export interface Block {
  readonly address: number
  readonly size: number
  readonly bytes: Buffer
  readonly words: Uint32Array
}

const SMALLEST = 32 * 1024

/**
 * Blocks that are not in use, by size. They are kept and never unmapped: an `ArrayBuffer` over an unmapped
 * page would crash the process, and the most that were ever in use at once is a good measure of what is
 * needed again.
 */
const free = new Map<number, Block[]>()

/** Takes a block of at least `size` bytes. Its content is undefined. */
export function takeBlock(size: number): Block {
  let rounded = SMALLEST
  while (rounded < size) rounded *= 2
  return free.get(rounded)?.pop() ?? makeBlock(rounded)
}

/** Gives a block back; nobody may use it afterwards. */
export function giveBack(block: Block): void {
  const list = free.get(block.size)
  if (list === undefined) free.set(block.size, [block])
  else list.push(block)
}

function makeBlock(size: number): Block {
  const address = native().mapMemory(size)
  const memory = native().view(address, size)
  return { address, size, bytes: Buffer.from(memory), words: new Uint32Array(memory) }
}
