/** A command as clients write it; undefined for none. */
export function wordsOf(value: readonly string[] | string | null | undefined): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  const words = typeof value === 'string' ? [value] : value
  return words.length === 0 ? undefined : words
}
