import { endOfLine, wholeNumber } from './whole-number.js'

/**
 * Reads a flat keyed file: `name value` a line, as `memory.events` and `cpu.stat`. Lines of another shape are
 * passed over, as newer kernels add some. Pure.
 *
 * @param text - The file.
 * @returns Name to number.
 */
export function parseFlatKeyed(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start)
    const space = text.indexOf(' ', start)
    const value = space > start ? wholeNumber(text, space + 1, end) : NaN
    if (!Number.isNaN(value)) found.set(text.slice(start, space), value)
    start = end + 1
  }
  return found
}
