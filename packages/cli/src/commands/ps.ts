import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import type { ContainerRow } from '../backend/rows.js'
import { usageError } from '../errors.js'
import { parseFilters } from '../options/parse-filters.js'
import { parseInteger } from '../options/parse-number.js'
import { printFormatted } from '../output/formatted.js'
import { formatAgo } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'

interface PsFlags {
  readonly all?: true
  readonly filter?: readonly string[]
  readonly format?: string
  readonly json?: true
  readonly last?: string
  readonly latest?: true
  readonly quiet?: true
  readonly trunc: boolean
}

const headings = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  State: 'STATE',
  Ports: 'PORTS',
  Names: 'NAMES',
  Labels: 'LABELS',
  Networks: 'NETWORKS',
  Mounts: 'MOUNTS',
}

/** `ctrjs ps`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('-a, --all', 'Show all containers (default shows just running)')
    .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
    .option('--format <string>', 'Format output using a template: json, "table {{.ID}}\\t{{.Names}}", ...')
    .option('--json', 'Print a JSON array')
    .option('-n, --last <int>', 'Show n last created containers (includes all states)')
    .option('-l, --latest', 'Show the latest created container (includes all states)')
    .option('--no-trunc', "Don't truncate output")
    .option('-q, --quiet', 'Only display container IDs')
    .action(async (flags: PsFlags) => {
      const count = countOf(flags)
      await using backend = await cli.backend()
      const found = await backend.containers({
        all: flags.all === true || count !== undefined,
        filters: parseFilters(flags.filter ?? []),
      })
      print(count === undefined ? found : found.slice(0, count), flags)
    })
}

function print(rows: readonly ContainerRow[], { json, quiet, trunc, format }: PsFlags): void {
  if (json === true) printJson(rows.map(({ document }) => document))
  else if (quiet === true) for (const { id } of rows) printLine(trunc ? shortId(id) : id)
  else if (format !== undefined)
    printFormatted(
      format,
      rows.map((row) => membersOf(row, trunc)),
      headings,
    )
  else printLine(toTable(rows, trunc))
}

function countOf({ last, latest }: PsFlags): number | undefined {
  if (last === undefined) return latest === true ? 1 : undefined
  const count = parseInteger(last, '-n, --last')
  if (latest === true) throw usageError('conflicting options: -n, --last and -l, --latest')
  return count < 1 ? undefined : count
}

/** What a template may name, in Docker's words. */
function membersOf(row: ContainerRow, truncate: boolean): Record<keyof typeof headings, string> {
  const words = row.command.replace(/\p{Cc}/gu, '?')
  return {
    ID: truncate ? shortId(row.id) : row.id,
    Image: row.image,
    Command: `"${truncate && words.length > 20 ? `${words.slice(0, 19)}\u2026` : words}"`,
    CreatedAt: new Date(row.createdAt).toISOString(),
    RunningFor: formatAgo(row.createdAt),
    Status: row.status,
    State: row.state,
    Ports: row.ports,
    Names: row.name,
    Labels: Object.entries(row.labels)
      .map((pair) => pair.join('='))
      .join(','),
    Networks: row.networks.join(','),
    Mounts: row.volumes.join(','),
  }
}

function toTable(containers: readonly ContainerRow[], truncate: boolean): string {
  const shown = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'] as const
  return formatTable(
    shown.map((name) => headings[name]),
    containers.map((row) => {
      const members = membersOf(row, truncate)
      return shown.map((name) => members[name])
    }),
  )
}
