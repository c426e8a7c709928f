const leastWidth = 12
const gap = 3

/** Lays out rows as columns, the first row being the titles. The last column is as wide as its text. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(leastWidth, ...rows.map((row) => row[column]!.length + gap)),
  )
  return rows
    .map((row) => `${row.map((cell, n) => (n === columns - 1 ? cell : cell.padEnd(widths[n]!))).join('')}\n`)
    .join('')
}
