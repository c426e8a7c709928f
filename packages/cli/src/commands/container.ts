import { Command } from 'commander'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { confirm } from '../output/confirm.js'
import { printPruned } from '../output/pruned.js'

/** `ctrjs container`. */
export function define(command: Command, cli: Cli): void {
  command.usage('COMMAND').addCommand(
    new Command('prune')
      .description('Remove all containers that do not run')
      .usage('[OPTIONS]')
      .option('-f, --force', 'Do not prompt for confirmation')
      .action(async ({ force = false }: { readonly force?: boolean }) => {
        await using backend = await cli.backend()
        if (!force && !(await confirm('WARNING! This will remove all containers that do not run.')))
          throw new CliError('ERR_CLI_REFUSED', 'cannot prune: it was not confirmed')
        printPruned('Deleted Containers:', await backend.pruneContainers())
      }),
  )
}
