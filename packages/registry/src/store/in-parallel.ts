/**
 * Works on all items, at most `bound` at a time. The first failure stops the others by their signal, and is
 * thrown once all have ended.
 */
export async function inParallel<T>(
  items: readonly T[],
  bound: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const failures: unknown[] = []
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failures.length > 0) return
      try {
        await work(item, either)
      } catch (error) {
        failures.push(error)
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(bound, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
