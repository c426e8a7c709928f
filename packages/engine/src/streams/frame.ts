/** The streams that Docker puts into one. */
export type StreamName = 'stdout' | 'stderr'

/** Bytes of one of a container's output streams. */
export interface OutputChunk {
  readonly stream: StreamName
  readonly bytes: Buffer
}

/** A chunk as a frame of Docker's multiplexed stream: number of the stream, three zeros, length, bytes. */
export function frame({ stream, bytes }: OutputChunk): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream === 'stdout' ? 1 : 2
  header.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

/** Media types of streams that clients take apart, or not. */
export const multiplexedType = 'application/vnd.docker.multiplexed-stream'
export const rawType = 'application/vnd.docker.raw-stream'
