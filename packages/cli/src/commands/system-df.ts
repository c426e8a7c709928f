import { Command } from 'commander'
import type { DiskSum, DiskUsage } from '../backend/rows.js'
import type { Cli } from '../cli.js'
import { formatSize } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { formatTable } from '../output/table.js'

/** `ctrjs system df`. */
export function diskUsage(cli: Cli): Command {
  return new Command('df')
    .description('Show disk usage')
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON object')
    .action(async ({ json }: { readonly json?: true }) => {
      await using backend = await cli.backend()
      const usage = await backend.diskUsage()
      if (json === true) printJson(usage)
      else printLine(toTable(usage))
    })
}

function toTable({ images, containers, volumes }: DiskUsage): string {
  const share = (reclaimable: number, size: number): string =>
    size === 0 ? '' : ` (${Math.floor((100 * reclaimable) / size)}%)`
  const row = (title: string, { total, active, size, reclaimable }: DiskSum): readonly string[] => [
    ...[title, String(total), String(active)],
    ...(size === undefined || reclaimable === undefined
      ? ['-', '-']
      : [formatSize(size), `${formatSize(reclaimable)}${share(reclaimable, size)}`]),
  ]
  return formatTable(
    ['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'],
    [row('Images', images), row('Containers', containers), row('Local Volumes', volumes)],
  )
}
