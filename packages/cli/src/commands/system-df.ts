import { Command } from 'commander'
import type { ContainerRow, DiskDetails, DiskSum, DiskUsage } from '../backend/rows.js'
import type { Cli } from '../cli.js'
import { sizeText } from '../output/container-size.js'
import { formatAgo, formatSize } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'

interface DiskFlags {
  readonly json?: true
  readonly verbose?: true
}

/** `ctrjs system df`. */
export function diskUsage(cli: Cli): Command {
  return new Command('df')
    .description('Show disk usage')
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON object')
    .option('-v, --verbose', 'Show detailed information on space usage')
    .action(async ({ json, verbose }: DiskFlags) => {
      await using backend = await cli.backend()
      if (verbose === true) {
        const details = await backend.diskDetails()
        if (json === true) printJson(details)
        else printLine(toTables(details))
        return
      }
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

/** One for images, for containers and for volumes, as Docker has them. */
function toTables({ images, containers, volumes }: DiskDetails): string {
  const tables = {
    Images: formatTable(imageHeadings, images.flatMap(imageLines)),
    Containers: formatTable(containerHeadings, containers.map(containerLine)),
    'Local Volumes': formatTable(
      ['VOLUME NAME', 'LINKS', 'SIZE'],
      volumes.map(({ name, links, size }) => [name, String(links), formatSize(size)]),
    ),
  }
  return Object.entries(tables)
    .map(([title, table]) => `${title} space usage:\n\n${table}\n`)
    .join('\n')
    .trimEnd()
}

const imageHeadings = 'REPOSITORY|TAG|IMAGE ID|CREATED|SIZE|SHARED SIZE|UNIQUE SIZE|CONTAINERS'.split('|')

function imageLines({
  id,
  names,
  createdAt,
  size,
  shared,
  containers,
}: DiskDetails['images'][number]): readonly string[][] {
  const sizes = [size, shared, Math.max(0, size - shared)].map(formatSize)
  return names.map(({ repository, tag }) => [
    ...[repository, tag, shortId(id), formatAgo(createdAt), ...sizes, String(containers)],
  ])
}

const containerHeadings = 'CONTAINER ID|IMAGE|COMMAND|LOCAL VOLUMES|SIZE|CREATED|STATUS|NAMES'.split('|')

function containerLine(row: ContainerRow): readonly string[] {
  const { id, image, command, volumes, createdAt, status, name } = row
  const words = command.replace(/\p{Cc}/gu, '?').slice(0, 20)
  const written = sizeText(row).replace(/ .*/, '')
  return [
    ...[shortId(id), image, `"${words}"`, String(volumes.length), written],
    ...[formatAgo(createdAt), status, name],
  ]
}
