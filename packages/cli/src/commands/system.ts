import { rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Runtime } from '@ctr/runtime'
import type { Pruned } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { usageError } from '../errors.js'
import { collect } from '../options/collect.js'
import { parseFilters } from '../options/parse-filters.js'
import { printReclaimed, printRemoved } from '../output/pruned.js'
import { confirmed } from './prune-command.js'
import { diskUsage } from './system-df.js'

/** `ctrjs system`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('COMMAND')
    .addCommand(diskUsage(cli))
    .addCommand(prune(cli))
    .addCommand(
      new Command('reset')
        .description('Remove all containers, images, volumes, networks and folders')
        .usage('[OPTIONS]')
        .option('-f, --force', 'Do not prompt for confirmation')
        .action(async ({ force = false }: { readonly force?: boolean }) => {
          const runtime = await cli.open()
          try {
            const warning = `WARNING! This kills and removes all containers, and all images and volumes, in ${runtime.root} and ${runtime.state}.`
            await confirmed(force, warning, 'reset')
            await runtime.reset()
          } finally {
            await runtime.close()
          }
          removeFolders(runtime)
        }),
    )
}

interface PruneFlags {
  readonly all?: boolean
  readonly filter?: readonly string[]
  readonly force?: boolean
  readonly volumes?: boolean
}

function prune(cli: Cli): Command {
  return new Command('prune')
    .description('Remove unused data')
    .usage('[OPTIONS]')
    .option('-a, --all', 'Remove all unused images, not just nameless ones')
    .option(
      '--filter <filter>',
      'Remove only some: label=NAME[=VALUE], label!=NAME[=VALUE], until=24h',
      collect,
    )
    .option('-f, --force', 'Do not prompt for confirmation')
    .option('--volumes', 'Remove anonymous volumes, too')
    .action(async ({ all = false, force = false, volumes = false, filter = [] }: PruneFlags) => {
      const filters = parseFilters(filter)
      if (volumes && filters['until'] !== undefined)
        throw usageError('the "until" filter is not supported with --volumes')
      await using backend = await cli.backend()
      const what = [
        'containers that do not run',
        'networks without containers',
        `${all ? 'unused' : 'nameless'} images`,
        ...(volumes ? ['anonymous volumes that nobody uses'] : []),
      ]
      await confirmed(force, `WARNING! This will remove all ${what.join(', ')}.`, 'prune')
      const containers = await backend.pruneContainers(filters)
      printRemoved('Deleted Containers:', containers.removed)
      printRemoved('Deleted Networks:', await backend.networks.prune(filters))
      const pruned = volumes ? await backend.volumes.prune(false, filters) : nothing
      printRemoved('Deleted Volumes:', pruned.removed)
      const images = await backend.images.prune(all, filters)
      printRemoved('Deleted Images:', images.removed)
      printReclaimed([containers, pruned, images].reduce((sum, { bytes = 0 }) => sum + bytes, 0))
    })
}

const nothing: Pruned = { removed: [], bytes: undefined }

const ofState = ['cgroup-parents', 'execs', 'net', 'network-programs', 'owners']

/** Removes what a runtime keeps in its folders, and the folders when they hold nothing else. */
function removeFolders({ root, state }: Runtime): void {
  for (const name of ['images', 'overlay', 'volumes', 'networks', 'containers', 'mountpoints', 'engine'])
    rmSync(join(root, name), { recursive: true, force: true })
  for (const name of [...ofState, 'containers', 'root', 'engine'])
    rmSync(join(state, name), { recursive: true, force: true })
  for (const folder of [root, state]) {
    try {
      rmdirSync(folder)
    } catch (error) {
      if (!['ENOTEMPTY', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}
