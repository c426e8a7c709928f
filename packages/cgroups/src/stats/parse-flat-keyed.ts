/**
 * Reads a flat keyed file: `name value` a line, as `memory.stat` and `cpu.stat`. Lines of another shape are
 * passed over, as newer kernels add some. Pure.
 *
 * @param text - The file.
 * @returns Name to number.
 */
export function parseFlatKeyed(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    const value = Number(line.slice(space + 1))
    if (space > 0 && Number.isFinite(value)) found.set(line.slice(0, space), value)
  }
  return found
}
