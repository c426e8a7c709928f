import { rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Runtime } from '@ctr/runtime'
import type { Pruned } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { confirm } from '../output/confirm.js'
import { printReclaimed, printRemoved } from '../output/pruned.js'
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
            if (!force) await refuseUnconfirmed(runtime)
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
  readonly force?: boolean
  readonly volumes?: boolean
}

function prune(cli: Cli): Command {
  return new Command('prune')
    .description('Remove unused data')
    .usage('[OPTIONS]')
    .option('-a, --all', 'Remove all unused images, not just nameless ones')
    .option('-f, --force', 'Do not prompt for confirmation')
    .option('--volumes', 'Remove anonymous volumes, too')
    .action(async ({ all = false, force = false, volumes = false }: PruneFlags) => {
      await using backend = await cli.backend()
      const what = [
        'containers that do not run',
        'networks without containers',
        `${all ? 'unused' : 'nameless'} images`,
      ]
      const warning = `WARNING! This will remove all ${[...what, ...(volumes ? ['anonymous volumes that nobody uses'] : [])].join(', ')}.`
      if (!force && !(await confirm(warning)))
        throw new CliError('ERR_CLI_REFUSED', 'cannot prune: it was not confirmed')
      const containers = await backend.pruneContainers()
      printRemoved('Deleted Containers:', containers.removed)
      printRemoved('Deleted Networks:', await backend.networks.prune())
      const pruned = volumes ? await backend.volumes.prune(false) : nothing
      printRemoved('Deleted Volumes:', pruned.removed)
      const images = await backend.images.prune(all)
      printRemoved('Deleted Images:', images.removed)
      printReclaimed([containers, pruned, images].reduce((sum, { bytes = 0 }) => sum + bytes, 0))
    })
}

const nothing: Pruned = { removed: [], bytes: undefined }

async function refuseUnconfirmed({ root, state }: Runtime): Promise<void> {
  const warning = `WARNING! This kills and removes all containers, and all images and volumes, in ${root} and ${state}.`
  if (!(await confirm(warning))) throw new CliError('ERR_CLI_REFUSED', 'cannot reset: it was not confirmed')
}

/** Removes what a runtime keeps in its folders, and the folders when they hold nothing else. */
function removeFolders({ root, state }: Runtime): void {
  for (const name of ['images', 'overlay', 'volumes', 'networks', 'containers', 'mountpoints', 'engine'])
    rmSync(join(root, name), { recursive: true, force: true })
  for (const name of ['containers', 'owners', 'net', 'network-programs', 'root', 'engine'])
    rmSync(join(state, name), { recursive: true, force: true })
  for (const folder of [root, state]) {
    try {
      rmdirSync(folder)
    } catch (error) {
      if (!['ENOTEMPTY', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}
