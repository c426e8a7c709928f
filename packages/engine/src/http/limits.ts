/** Bounds of what clients may send. */
export const limits = {
  /** JSON bodies. Archives are streams and not held in memory. */
  bodyBytes: 4 * 1024 * 1024,
  /** All headers of a request. */
  headerBytes: 64 * 1024,
  /** Objects and lists in each other. */
  jsonDepth: 64,
  /** Connections at once, of all clients. */
  connections: 4096,
} as const
