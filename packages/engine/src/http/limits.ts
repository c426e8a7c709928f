/** Bounds of what clients may send. */
export const limits = {
  /** JSON bodies. Archives are streams and not held in memory. */
  bodyBytes: 4 * 1024 * 1024,
  /** How long one of these may take from its begin to its end, in milliseconds. */
  bodyMs: 60_000,
  /** All headers of a request. */
  headerBytes: 64 * 1024,
  /** Objects and lists in each other. */
  jsonDepth: 64,
  /** What one uploaded archive may hold, unpacked. */
  archive: { bytes: 64 * 2 ** 30, entries: 2_000_000 },
  /** An upload of which nothing comes for so long is given up, in milliseconds. */
  uploadIdleMs: 60_000,
  /** How long the rest of a refused upload is read, so that the client comes to read the answer, in milliseconds. */
  refusedUploadMs: 10_000,
  /**
   * What `exec` keeps: bytes of all that are there; how many that were not started, and how many that are over; how long
   * those stay at least, in milliseconds.
   */
  execs: { bytes: 64 * 2 ** 20, number: 1000, keptMs: 5 * 60_000 },
  /** Events that are remembered: how many, as Docker; characters of their attributes, of which labels may be long. */
  pastEvents: { number: 256, characters: 8 * 2 ** 20 },
  /** Characters of a command in an event. */
  commandCharacters: 4096,
  /** Input that comes in one frame of a websocket. */
  websocketFrameBytes: 1024 * 1024,
  /** Connections at once, of all clients. */
  connections: 4096,
} as const
