import { isLinuxError, type Decompressor } from '@ctr/linux'
import { OverlayError } from '../errors.js'

/** Each chunk is one step of all threads: fewer wait less for another. */
const chunkSize = 1024 * 1024

/** One is being filled, one is with who takes them, and of the one before something may still be written. */
const chunks = 3

/**
 * Decompresses into memory that is used again: each chunk stays as it is until `consume` has taken the next one. While
 * one is consumed, the next is made.
 *
 * @param decompressor - New, and ended by the caller.
 * @throws {@link OverlayError} `ERR_OVERLAY_COMPRESSION`: it is damaged or cut short.
 */
export async function decompressPieces(
  decompressor: Decompressor,
  input: AsyncIterable<Uint8Array>,
  consume: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const rooms: Buffer[] = []
  let made = 0
  let filled = 0
  let consumed = Promise.resolve()
  let fail!: (error: unknown) => void
  const failed = new Promise<never>((_, reject) => (fail = reject))
  const handOver = async (): Promise<void> => {
    const chunk = rooms[made % chunks]!.subarray(0, filled)
    await consumed
    consumed = consume(chunk)
    consumed.catch(fail)
    made += 1
    filled = 0
  }
  const all = async (): Promise<void> => {
    for await (const piece of input) {
      for (let used = 0, isFull = false; used < piece.length || isFull;) {
        const room = (rooms[made % chunks] ??= Buffer.allocUnsafeSlow(chunkSize))
        const { read, written } = await decompressed(
          decompressor,
          piece.subarray(used),
          room.subarray(filled),
        )
        used += read
        filled += written
        isFull = filled === chunkSize
        if (isFull) await handOver()
      }
      // rather than a few bytes in a step of their own with the next piece
      if (filled > chunkSize / 2) await handOver()
    }
    if (!decompressor.isWhole) throw damaged('it is cut short')
    if (filled > 0) await handOver()
    await consumed
  }
  await Promise.race([all(), failed])
}

async function decompressed(
  decompressor: Decompressor,
  input: Uint8Array,
  room: Uint8Array,
): ReturnType<Decompressor['run']> {
  try {
    return await decompressor.run(input, room)
  } catch (error) {
    if (isLinuxError(error)) throw damaged(error.message, error)
    throw error
  }
}

function damaged(what: string, cause?: unknown): OverlayError {
  return new OverlayError('ERR_OVERLAY_COMPRESSION', `cannot decompress the layer: ${what}`, { cause })
}
