import { rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Runtime } from '@ctr/runtime'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { confirm } from '../output/confirm.js'

/** `ctrjs system`. */
export function define(command: Command, cli: Cli): void {
  command.usage('COMMAND').addCommand(
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
