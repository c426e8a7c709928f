/** How bytes are compressed. */
export type Compression = 'gzip' | 'zstd' | 'bzip2' | 'xz' | 'none'

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
]

/** Tells the compression by the first bytes. */
export function compressionOf(start: Uint8Array): Compression {
  // zstd may begin with a frame that decoders skip
  if ((start[0]! & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18)
    return 'zstd'
  const found = magics.find(([, magic]) => magic.every((byte, n) => start[n] === byte))
  return found?.[0] ?? 'none'
}
