/**
 * Reads `memory.stat`, a name and a number a line. Pure.
 *
 * @returns Name to number; v1's limits are among them, and "no limit" is `'max'`.
 */
export function parseCounters(text: string): Readonly<Record<string, number | 'max'>> {
  // from a kernel file, but a name such as __proto__ shall do no harm
  const found = Object.create(null) as Record<string, number | 'max'>
  for (let start = 0; start < text.length;) {
    const space = text.indexOf(' ', start)
    const end = text.indexOf('\n', start)
    const stop = end < 0 ? text.length : end
    if (space > start && space < stop) {
      const word = text.slice(space + 1, stop)
      const value = Number(word)
      if (Number.isSafeInteger(value)) found[text.slice(start, space)] = value
      else if (value > Number.MAX_SAFE_INTEGER) found[text.slice(start, space)] = 'max'
    }
    start = stop + 1
  }
  return found
}

/** A counter, which is never `'max'`. */
export function numberOf(value: number | 'max' | undefined): number | undefined {
  return value === 'max' ? undefined : value
}
