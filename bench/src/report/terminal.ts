import { cells, head, number, type BenchReport, type MeasuredCase } from './report.js'

/** The table, and below it what one must know to read it. */
export function toText({ cases, missing }: BenchReport): string {
  const rows = [head, ...cases.map(cells)]
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return [...lines, '', ...cases.flatMap(remarks), ...missing].join('\n')
}

function remarks({ name, result }: MeasuredCase): string[] {
  const spread = result.figures
    .filter(({ count }) => count > 1)
    .map((figure) => `${figure.name} ${number(figure.p10)} to ${number(figure.p90)} (${figure.count})`)
  const lines = spread.length === 0 ? [] : [`tenths: ${spread.join(', ')}`]
  return [...lines, ...(result.notes ?? [])].map((line) => `${name}: ${line}`)
}
