import type { Command } from 'commander'
import type { ImageRow } from '../backend/rows.js'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { parseFilters } from '../options/parse-filters.js'
import { printFormatted } from '../output/formatted.js'
import { formatAgo, formatSize } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'
import { prune, verify } from './images-upkeep.js'

interface ImagesFlags {
  readonly digests?: true
  readonly filter?: readonly string[]
  readonly format?: string
  readonly json?: true
  readonly quiet?: true
  readonly trunc: boolean
}

const headings = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  Size: 'SIZE',
  CreatedAt: 'CREATED AT',
  Digest: 'DIGEST',
}

/** `ctrjs images`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] [REPOSITORY[:TAG]]')
    .argument('[reference]')
    .option('-a, --all', 'Accepted as Docker has it: there are no intermediate images to hide')
    .option('--digests', 'Show digests')
    .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
    .option('--format <string>', 'Format output using a template: json, "table {{.ID}}\\t{{.Size}}", ...')
    .option('--json', 'Print a JSON array')
    .option('--no-trunc', "Don't truncate output")
    .option('-q, --quiet', 'Only show image IDs')
    .action(async (reference: string | undefined, flags: ImagesFlags) => {
      const asked = reference === undefined ? [] : [`reference=${reference}`]
      await using backend = await cli.backend()
      print(await backend.images.list(parseFilters([...(flags.filter ?? []), ...asked])), flags)
    })
    .addCommand(prune(cli))
    .addCommand(verify(cli))
}

function print(images: readonly ImageRow[], { digests, json, quiet, trunc, format }: ImagesFlags): void {
  const rows = images.flatMap((image) => membersOf(image, trunc))
  if (json === true) printJson(images.map(({ document }) => document))
  else if (quiet === true) for (const { id } of images) printLine(trunc ? shortId(id) : id)
  else if (format !== undefined) printFormatted(format, rows, headings)
  else {
    const digest = digests === true ? (['Digest'] as const) : []
    const shown = ['Repository', 'Tag', ...digest, 'ID', 'CreatedSince', 'Size'] as const
    printLine(
      formatTable(
        shown.map((name) => headings[name]),
        rows.map((row) => shown.map((name) => row[name])),
      ),
    )
  }
}

/** What a template may name, in Docker's words: of each name of an image. */
function membersOf(image: ImageRow, truncate: boolean): Record<keyof typeof headings, string>[] {
  const { id, names, digests, createdAt, size } = image
  return names.map(({ repository, tag }) => ({
    Repository: repository,
    Tag: tag,
    ID: truncate ? shortId(id) : id,
    CreatedSince: formatAgo(createdAt),
    Size: formatSize(size),
    CreatedAt: createdAt === undefined ? 'N/A' : new Date(createdAt).toISOString(),
    Digest: digests[0]?.split('@')[1] ?? '<none>',
  }))
}
