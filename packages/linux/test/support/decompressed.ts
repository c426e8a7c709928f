import { expect } from '@jest/globals'
import type { Decompressor } from '../../src/decompression/decompressor.js'

/** What a new decompressor makes of pieces of so many bytes, in memory of so many. */
export async function decompressed(
  decompressor: Decompressor,
  packed: Uint8Array,
  pieceSize = packed.length,
  roomSize = 100_000,
): Promise<Buffer> {
  using _decompressor = decompressor
  const chunks: Buffer[] = []
  const room = Buffer.alloc(roomSize)
  for (let at = 0; at < packed.length; at += pieceSize) {
    const piece = packed.subarray(at, at + pieceSize)
    for (let used = 0, isFull = false; used < piece.length || isFull;) {
      const { read, written } = await decompressor.run(piece.subarray(used), room)
      used += read
      isFull = written === room.length
      chunks.push(Buffer.from(room.subarray(0, written)))
    }
  }
  expect(decompressor.isWhole).toBe(true)
  return Buffer.concat(chunks)
}

/** Sizes of pieces and of memory that bytes are to come through unharmed. */
export function piecesAndRooms(
  packed: Uint8Array,
  bytes: Uint8Array,
): readonly (readonly [number, number])[] {
  return [
    [packed.length, bytes.length + 10],
    [packed.length, 4096],
    [1000, 100_000],
    [65_537, 65_536],
  ]
}
