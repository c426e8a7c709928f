import type { Command } from 'commander'
import type { StoredImage } from '@ctr/registry'
import type { Cli } from '../cli.js'
import { prune, verify } from './images-upkeep.js'
import { formatAgo, formatSize } from '../output/humanize.js'
import { repositoryAndTag } from '../output/image-name.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'

interface ImagesFlags {
  readonly json?: true
  readonly quiet?: true
  readonly trunc: boolean
}

/** `ctrjs images`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON array')
    .option('--no-trunc', "Don't truncate output")
    .option('-q, --quiet', 'Only show image IDs')
    .action(async ({ json, quiet, trunc }: ImagesFlags) => {
      await using runtime = await cli.open()
      const images = newestFirst(await runtime.images.list())
      if (json === true) printJson(images.map(toJson))
      else if (quiet === true) for (const { id } of images) printLine(trunc ? shortId(id) : id)
      else printLine(toTable(images, trunc))
    })
    .addCommand(prune(cli))
    .addCommand(verify(cli))
}

function newestFirst(images: readonly StoredImage[]): readonly StoredImage[] {
  return [...images].sort((a, b) => (b.config.created ?? '').localeCompare(a.config.created ?? ''))
}

function toTable(images: readonly StoredImage[], truncate: boolean): string {
  const rows = images.flatMap(({ id, references, config, size }) => {
    const names =
      references.length === 0 ? [{ repository: '<none>', tag: '<none>' }] : references.map(repositoryAndTag)
    return names.map(({ repository, tag }) => [
      repository,
      tag,
      truncate ? shortId(id) : id,
      formatAgo(config.created),
      formatSize(size),
    ])
  })
  return formatTable(['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'], rows)
}

function toJson({ id, references, repositoryDigests, config, size, layers }: StoredImage): unknown {
  const { os, architecture, variant = null, created = null } = config
  return {
    id,
    references,
    repositoryDigests,
    os,
    architecture,
    variant,
    created,
    size,
    layers: layers.map(({ diffId }) => diffId),
  }
}
