import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { inPieces, PieceQueue } from './piece-queue.js'

const bytes = randomBytes(5_000_003)

async function* chunksOf(size: number, failure?: Error): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
  if (failure !== undefined) throw failure
}

describe('inPieces()', () => {
  it.each([1000, 65_536, 3_000_000])('brings every byte of chunks of %i, in few pieces', async (size) => {
    const pieces: Buffer[] = []
    for await (const piece of inPieces(chunksOf(size))) {
      pieces.push(Buffer.from(piece))
      await sleep(1)
    }
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
    expect(pieces.length).toBeLessThan(21)
  })

  it('uses its memory again, and leaves a piece as it is until the next is asked for', async () => {
    const memory = new Set<ArrayBufferLike>()
    let at = 0
    for await (const piece of inPieces(chunksOf(10_000))) {
      memory.add(piece.buffer)
      await sleep(5)
      expect(piece.equals(bytes.subarray(at, (at += piece.length)))).toBe(true)
    }
    expect(memory.size).toBeLessThan(5)
  })

  it('gives what came before an error, and then the error', async () => {
    const pieces: Buffer[] = []
    const reading = (async () => {
      for await (const piece of inPieces(chunksOf(1000, new RangeError('broken'))))
        pieces.push(Buffer.from(piece))
    })()
    await expect(reading).rejects.toThrow(RangeError)
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
  })

  it('lets go of its source when it is left', async () => {
    let isLeft = false
    const source = (async function* () {
      try {
        for (;;) yield await Promise.resolve(bytes)
      } finally {
        isLeft = true
      }
    })()
    for await (const piece of inPieces(source)) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    await sleep(5)
    expect(isLeft).toBe(true)
  })
})

describe('PieceQueue', () => {
  it('takes bytes that were put where it has room, and those that were put where it had', async () => {
    const queue = new PieceQueue()
    let at = 0
    const fill = (room: Uint8Array, length: number): Uint8Array => {
      room.set(bytes.subarray(at, (at += length)))
      return room.subarray(0, length)
    }
    queue.take(fill(queue.room, 300_000))
    const armed = queue.room // somebody reads there already
    const pieces = queue[Symbol.asyncIterator]()
    const first = Buffer.from((await pieces.next()).value!)
    expect(first.equals(bytes.subarray(0, 300_000))).toBe(true)
    queue.take(fill(armed, 300_000))
    while (at < 900_000) queue.take(fill(queue.room, 100_000))
    const second = Buffer.from((await pieces.next()).value!)
    expect(second.equals(bytes.subarray(300_000, 900_000))).toBe(true)
    queue.end()
    expect((await pieces.next()).done).toBe(true)
  })
})
