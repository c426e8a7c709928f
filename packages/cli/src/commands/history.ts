import type { Command } from 'commander'
import type { HistoryRow } from '../backend/rows.js'
import type { Cli } from '../cli.js'
import { printFormatted } from '../output/formatted.js'
import { formatAgo, formatSize } from '../output/humanize.js'
import { printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'

interface HistoryFlags {
  readonly format?: string
  readonly platform?: string
  readonly quiet?: true
  readonly trunc: boolean
}

const headings = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
  CreatedAt: 'CREATED AT',
}

/** `ctrjs history`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] IMAGE')
    .argument('<image>')
    .option('--format <string>', 'Format output using a template: json, "table {{.ID}}\\t{{.Size}}", ...')
    .option('--no-trunc', "Don't truncate output")
    .option('--platform <string>', 'Show history for the given platform (OS/ARCHITECTURE[/VARIANT])')
    .option('-q, --quiet', 'Only show image IDs')
    .action(async (image: string, { format, platform, quiet, trunc }: HistoryFlags) => {
      await using backend = await cli.backend()
      const rows = (await backend.images.history(image, platform)).map((step) => membersOf(step, trunc))
      const shown = ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'] as const
      if (quiet === true) for (const { ID } of rows) printLine(ID)
      else if (format !== undefined) printFormatted(format, rows, headings)
      else
        printLine(
          formatTable(
            shown.map((name) => headings[name]),
            rows.map((row) => shown.map((name) => row[name])),
          ),
        )
    })
}

/** What a template may name, in Docker's words. */
function membersOf(step: HistoryRow, truncate: boolean): Record<keyof typeof headings, string> {
  const { id, createdAt, createdBy, size, comment } = step
  const words = createdBy.replace(/\p{Cc}+/gu, ' ')
  return {
    ID: id === undefined ? '<missing>' : truncate ? shortId(id) : id,
    CreatedSince: formatAgo(createdAt),
    CreatedBy: truncate && words.length > 45 ? `${words.slice(0, 44)}\u2026` : words,
    Size: formatSize(size),
    Comment: comment,
    CreatedAt: createdAt === undefined ? 'N/A' : new Date(createdAt).toISOString(),
  }
}
