import { formatTable } from './table.js'
import { printLine } from './pipe-end.js'
import { parseTemplate } from './template.js'

/**
 * Prints a row for each of several things by a `--format`: `json`, a template, or a template behind `table `, with
 * headings and columns where it has tabs.
 *
 * @param headings - By the members that templates may name.
 */
export function printFormatted(
  format: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  headings: Readonly<Record<string, string>>,
): void {
  const isTable = /^table\s/.test(format)
  const text = format === 'json' ? '{{json .}}' : isTable ? format.replace(/^table\s+/, '') : format
  const template = parseTemplate(text)
  const lines = rows.map(template)
  if (isTable) {
    const titles = template(headings).split('\t')
    printLine(
      formatTable(
        titles,
        lines.map((line) => line.split('\t')),
      ),
    )
  } else for (const line of lines) printLine(line)
}

/** Prints a document by a `--format`: `json` or a template. */
export function printByTemplate(format: string, document: unknown): void {
  printLine(parseTemplate(format === 'json' ? '{{json .}}' : format)(document))
}
