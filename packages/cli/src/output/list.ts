import { printFormatted } from './formatted.js'
import { printJson, printLine } from './pipe-end.js'
import { formatTable } from './table.js'

/** The flags of a list, as they were typed. */
export interface ListFlags {
  readonly filter?: readonly string[]
  readonly format?: string
  readonly json?: true
  readonly quiet?: true
  /** Undefined where there is no such flag. */
  readonly trunc?: boolean
}

/** What a list shows. */
export interface List<Member extends string> {
  /** What a template may name, in Docker's words. */
  readonly rows: readonly Readonly<Record<Member, string>>[]
  readonly headings: Readonly<Record<Member, string>>
  /** Those that are shown where nothing is asked for. */
  readonly shown: readonly Member[]
  /** The one that `--quiet` shows. */
  readonly quiet: Member
  /** For `--json`. */
  readonly documents: readonly unknown[]
}

/** Prints a list as a table, or as its flags say. */
export function printList<Member extends string>(
  { rows, headings, shown, quiet, documents }: List<Member>,
  flags: Pick<ListFlags, 'format' | 'json' | 'quiet'>,
): void {
  if (flags.json === true) printJson(documents)
  else if (flags.quiet === true) for (const row of rows) printLine(row[quiet])
  else if (flags.format !== undefined) printFormatted(flags.format, rows, headings)
  else
    printLine(
      formatTable(
        shown.map((name) => headings[name]),
        rows.map((row) => shown.map((name) => row[name])),
      ),
    )
}
