import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Container, ContainerFigures } from '@ctr/runtime'
import type { Cli } from '../cli.js'
import { formatMemory, formatSize } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'

const sampleMs = 500

interface Sample {
  readonly container: Container
  readonly stats: ContainerFigures
  /** Processor time used, in hundredths of one processor. */
  readonly cpuPercent: number
}

/** `ctrjs stats`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] [CONTAINER...]')
    .argument('[containers...]')
    .option('--json', 'Print a JSON array')
    .option('--no-stream', 'Accepted as Docker has it: the first result is the only one')
    .action(async (names: string[], { json }: { readonly json?: true }) => {
      await using runtime = await cli.open()
      const containers =
        names.length > 0
          ? names.map((name) => runtime.container(name))
          : runtime.containers().filter(({ pid }) => pid !== null)
      const samples = await measure(containers)
      if (json === true) printJson(samples.map(toJson))
      else
        printLine(
          formatTable(
            ['CONTAINER ID', 'NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS'],
            samples.map(toRow),
          ),
        )
    })
}

async function measure(containers: readonly Container[]): Promise<readonly Sample[]> {
  const first = containers.map((container) => ({
    container,
    stats: container.stats(),
    at: performance.now(),
  }))
  if (first.length > 0) await sleep(sampleMs)
  return first.map(({ container, stats: before, at }) => {
    const stats = container.stats()
    const usedUsec = (stats.cpu?.usageUsec ?? 0) - (before.cpu?.usageUsec ?? 0)
    return { container, stats, cpuPercent: usedUsec / 10 / (performance.now() - at) }
  })
}

/** Memory that is really needed, as monitoring tools count it: without page cache not used lately. */
function workingSet({ memory }: ContainerFigures): number {
  return memory === undefined ? 0 : Math.max(0, memory.usage - memory.breakdown.inactiveFile)
}

/** Received and sent on all networks together. */
function networkTotals({ networks }: ContainerFigures): string {
  if (networks === undefined) return '-'
  const all = Object.values(networks)
  const received = all.reduce((sum, { rxBytes }) => sum + rxBytes, 0)
  const sent = all.reduce((sum, { txBytes }) => sum + txBytes, 0)
  return `${formatSize(received)} / ${formatSize(sent)}`
}

function toRow({ container, stats, cpuPercent }: Sample): readonly string[] {
  const { memory, io, pids } = stats
  const used = workingSet(stats)
  const limit = memory?.limit ?? 'max'
  return [
    shortId(container.id),
    container.name,
    `${cpuPercent.toFixed(2)}%`,
    `${formatMemory(used)} / ${limit === 'max' ? '-' : formatMemory(limit)}`,
    limit === 'max' ? '-' : `${((100 * used) / limit).toFixed(2)}%`,
    networkTotals(stats),
    io === undefined ? '-' : `${formatSize(io.readBytes)} / ${formatSize(io.writeBytes)}`,
    pids === undefined ? '-' : String(pids.current),
  ]
}

function toJson({ container: { id, name }, stats, cpuPercent }: Sample): unknown {
  return { id, name, cpuPercent: Number(cpuPercent.toFixed(2)), memoryUsed: workingSet(stats), ...stats }
}
