const MAGIC = 0xfd2f_b528

/** Most bytes of one block. */
const blockSize = 128 * 1024

/**
 * A frame of zstd (RFC 8878) that holds the bytes as they are, or by a count where a block is one byte throughout:
 * Node.js compresses only since 22.15.
 *
 * @param windowLog - Memory that it says it needs, as a power of two, at least 10.
 */
export function zstdFrame(bytes: Uint8Array, windowLog = 20): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt32LE(MAGIC, 0)
  head[5] = (windowLog - 10) << 3
  const parts = [head]
  for (let at = 0; at === 0 || at < bytes.length; at += blockSize) {
    const block = bytes.subarray(at, at + blockSize)
    const isLast = at + blockSize >= bytes.length
    const isOne = block.length > 0 && block.every((byte) => byte === block[0])
    const blockHead = Buffer.alloc(3)
    blockHead.writeUIntLE((block.length << 3) | (Number(isOne) << 1) | Number(isLast), 0, 3)
    parts.push(blockHead, Buffer.from(isOne ? block.subarray(0, 1) : block))
  }
  return Buffer.concat(parts)
}
