import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { eachNamed } from './each-named.js'

/** `ctrjs rm`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-f, --force', 'Force the removal of a running container (uses SIGKILL)')
    .action(async (names: string[], { force = false }: { readonly force?: boolean }) => {
      await using runtime = await cli.open()
      const remove = async (name: string): Promise<undefined> => {
        await runtime.container(name).remove({ force })
      }
      cli.exit(await eachNamed(names, remove))
    })
}
