import type { IdRange } from './subordinate-ids.js'

/**
 * The first ids in a row that are in `ranges` and not taken.
 *
 * @returns undefined where there are not so many.
 */
export function freeIds(
  ranges: readonly IdRange[],
  taken: readonly IdRange[],
  size: number,
): IdRange | undefined {
  const sorted = [...taken].sort((a, b) => a.first - b.first)
  for (const range of ranges) {
    const end = range.first + range.size
    let first = range.first
    for (const other of sorted) {
      if (other.first >= first + size) break
      if (other.first + other.size > first) first = other.first + other.size
    }
    if (first + size <= end) return { first, size }
  }
  return undefined
}
