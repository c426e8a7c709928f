import type { Command } from 'commander'
import type { Usage } from '../backend/rows.js'
import type { Cli } from '../cli.js'
import { formatMemory, formatSize } from '../output/humanize.js'
import { printList } from '../output/list.js'
import { shortId } from '../output/short-id.js'

/** `ctrjs stats`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] [CONTAINER...]')
    .argument('[containers...]')
    .option('-a, --all', 'Show all containers (default shows just running)')
    .option('--format <string>', 'Format output using a template: json, "{{.Name}}: {{.CPUPerc}}", ...')
    .option('--json', 'Print a JSON array')
    .option('--no-trunc', 'Do not truncate output')
    .option('--no-stream', 'Accepted as Docker has it: the first result is the only one')
    .action(async (names: string[], { all = false, ...flags }: StatsFlags) => {
      await using backend = await cli.backend()
      const wanted =
        names.length > 0
          ? names
          : (await backend.containers({ all, filters: {} })).map(({ id }) => id).reverse()
      const usages = await Promise.all(wanted.map((name) => backend.container(name).usage()))
      printList(
        {
          rows: usages.map((usage) => membersOf(usage, flags.trunc)),
          headings,
          shown: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
          quiet: 'ID',
          documents: usages.map(({ document }) => document),
        },
        flags,
      )
    })
}

interface StatsFlags {
  readonly all?: boolean
  readonly format?: string
  readonly json?: true
  readonly trunc: boolean
}

const headings = {
  ID: 'CONTAINER ID',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
}

/** What a template may name, in Docker's words. */
function membersOf(usage: Usage, truncate: boolean): Record<keyof typeof headings, string> {
  const { id, name, cpuPercent, memoryUsed = 0, memoryLimit, network, blocks, pids } = usage
  const both = (pair: readonly [number, number] | undefined): string =>
    pair === undefined ? '-' : pair.map(formatSize).join(' / ')
  return {
    ID: truncate ? shortId(id) : id,
    Name: name,
    CPUPerc: `${cpuPercent.toFixed(2)}%`,
    MemUsage: `${formatMemory(memoryUsed)} / ${memoryLimit === undefined ? '-' : formatMemory(memoryLimit)}`,
    MemPerc: memoryLimit === undefined ? '-' : `${((100 * memoryUsed) / memoryLimit).toFixed(2)}%`,
    NetIO: both(network),
    BlockIO: both(blocks),
    PIDs: pids === undefined ? '-' : String(pids),
  }
}
