/** Tars are made of blocks of this size, in bytes. */
export const blockSize = 512

/** Bytes between the end of something of this size and the next block. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}
