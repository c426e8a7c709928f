import { Command } from 'commander'
import type { Container, Runtime } from '@ctr/runtime'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { confirm } from '../output/confirm.js'
import { printLine } from '../output/pipe-end.js'

/** `ctrjs container`. */
export function define(command: Command, cli: Cli): void {
  command.usage('COMMAND').addCommand(
    new Command('prune')
      .description('Remove all containers that do not run')
      .usage('[OPTIONS]')
      .option('-f, --force', 'Do not prompt for confirmation')
      .action(async ({ force = false }: { readonly force?: boolean }) => {
        await using runtime = await cli.open()
        if (!force && !(await confirm('WARNING! This will remove all containers that do not run.')))
          throw new CliError('ERR_CLI_REFUSED', 'cannot prune: it was not confirmed')
        const removed = await removeStopped(runtime)
        if (removed.length > 0) printLine(['Deleted Containers:', ...removed.map(({ id }) => id)].join('\n'))
      }),
  )
}

/** Removes all containers that do not run. */
export async function removeStopped(runtime: Runtime): Promise<readonly Container[]> {
  const stopped = runtime.containers().filter((container) => container.inspect().status !== 'running')
  for (const container of stopped) await container.remove()
  return stopped
}
