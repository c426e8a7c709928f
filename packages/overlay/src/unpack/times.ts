import type { Metadata } from '../archive/archive-entry.js'

/** Access and modification time, both that of the archive, as utimensat(2) takes them. */
export function timesOf({ mtimeNs }: Metadata): Buffer {
  const times = Buffer.alloc(32)
  const billion = 1_000_000_000n
  const rest = ((mtimeNs % billion) + billion) % billion
  for (const offset of [0, 16]) {
    times.writeBigInt64LE((mtimeNs - rest) / billion, offset)
    times.writeBigInt64LE(rest, offset + 8)
  }
  return times
}
