import { lstatSync, readdirSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
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
      await using runtime = await cli.open()
      const images = await runtime.images.list()
      const containers = runtime.containers().map((container) => container.inspect())
      const isUsed = (id: string): boolean => containers.some(({ imageId }) => imageId === id)
      const volumes = runtime.volumes.list().map((volume) => ({
        size: sizeOf(volume.path),
        isActive: volume.users().length > 0,
      }))
      const usage = {
        images: sumOf(images.map(({ id, size }) => ({ size, isActive: isUsed(id) }))),
        containers: {
          total: containers.length,
          active: containers.filter(({ status }) => status === 'running').length,
        },
        volumes: sumOf(volumes),
      }
      if (json === true) printJson(usage)
      else printLine(toTable(usage))
    })
}

interface Item {
  readonly size: number
  readonly isActive: boolean
}

function sumOf(items: readonly Item[]): Sum {
  const bytesOf = (some: readonly Item[]): number => some.reduce((sum, { size }) => sum + size, 0)
  const active = items.filter(({ isActive }) => isActive)
  const size = bytesOf(items)
  return { total: items.length, active: active.length, size, reclaimable: size - bytesOf(active) }
}

interface Sum {
  readonly total: number
  readonly active: number
  readonly size: number
  readonly reclaimable: number
}

function toTable(usage: {
  readonly images: Sum
  readonly containers: Pick<Sum, 'total' | 'active'>
  readonly volumes: Sum
}): string {
  const { images, containers, volumes } = usage
  const row = (title: string, { total, active, size, reclaimable }: Sum): readonly string[] => [
    ...[title, String(total), String(active), formatSize(size)],
    `${formatSize(reclaimable)}${size === 0 ? '' : ` (${Math.floor((100 * reclaimable) / size)}%)`}`,
  ]
  return formatTable(
    ['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'],
    [
      row('Images', images),
      ['Containers', String(containers.total), String(containers.active), '-', '-'],
      row('Local Volumes', volumes),
    ],
  )
}

/** Bytes of all files in a folder. Links are not followed; what goes away meanwhile does not count. */
function sizeOf(folder: string): number {
  let sum = 0
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name)
    sum += entry.isDirectory() ? sizeOf(path) : (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0)
  }
  return sum
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
