import type { Command } from 'commander'
import type { Usage } from '../backend/rows.js'
import type { Cli } from '../cli.js'
import { formatMemory, formatSize } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'

/** `ctrjs stats`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] [CONTAINER...]')
    .argument('[containers...]')
    .option('--json', 'Print a JSON array')
    .option('--no-stream', 'Accepted as Docker has it: the first result is the only one')
    .action(async (names: string[], { json }: { readonly json?: true }) => {
      await using backend = await cli.backend()
      const wanted =
        names.length > 0
          ? names
          : (await backend.containers({ all: false, filters: {} })).map(({ id }) => id).reverse()
      const usages = await Promise.all(wanted.map((name) => backend.container(name).usage()))
      if (json === true) printJson(usages.map(({ document }) => document))
      else
        printLine(
          formatTable(
            ['CONTAINER ID', 'NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS'],
            usages.map(toRow),
          ),
        )
    })
}

function toRow(usage: Usage): readonly string[] {
  const { id, name, cpuPercent, memoryUsed = 0, memoryLimit, network, blocks, pids } = usage
  const both = (pair: readonly [number, number] | undefined): string =>
    pair === undefined ? '-' : pair.map(formatSize).join(' / ')
  return [
    shortId(id),
    name,
    `${cpuPercent.toFixed(2)}%`,
    `${formatMemory(memoryUsed)} / ${memoryLimit === undefined ? '-' : formatMemory(memoryLimit)}`,
    memoryLimit === undefined ? '-' : `${((100 * memoryUsed) / memoryLimit).toFixed(2)}%`,
    both(network),
    both(blocks),
    pids === undefined ? '-' : String(pids),
  ]
}
