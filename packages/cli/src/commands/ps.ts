import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import type { ContainerRow } from '../backend/rows.js'
import { usageError } from '../errors.js'
import { parseFilters } from '../options/parse-filters.js'
import { parseInteger } from '../options/parse-number.js'
import { sizeText } from '../output/container-size.js'
import { formatAgo } from '../output/humanize.js'
import { formatLabels } from '../output/labels.js'
import { printList, type ListFlags } from '../output/list.js'
import { shortId } from '../output/short-id.js'

interface PsFlags extends ListFlags {
  readonly all?: true
  readonly last?: string
  readonly latest?: true
  readonly size?: true
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
  Size: 'SIZE',
}

const columns = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'] as const

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
    .option('-s, --size', 'Display total file sizes')
    .action(async (flags: PsFlags) => {
      const count = countOf(flags)
      const size = flags.size === true || /\.Size\b/.test(flags.format ?? '')
      await using backend = await cli.backend()
      const found = await backend.containers({
        all: flags.all === true || count !== undefined,
        filters: parseFilters(flags.filter ?? []),
        size: size && flags.quiet !== true,
      })
      const shown = count === undefined ? found : found.slice(0, count)
      printList(
        {
          rows: shown.map((row) => membersOf(row, flags.trunc)),
          headings,
          shown: [...columns, ...(size ? (['Size'] as const) : [])],
          quiet: 'ID',
          documents: shown.map(({ document }) => document),
        },
        flags,
      )
    })
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
    Labels: formatLabels(row.labels),
    Networks: row.networks.join(','),
    Mounts: row.volumes.join(','),
    Size: sizeText(row),
  }
}
