import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { eachNamed } from './each-named.js'

interface RmFlags {
  readonly force?: boolean
  readonly volumes?: boolean
}

/** `ctrjs rm`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-f, --force', 'Force the removal of a running container (uses SIGKILL)')
    .option('-v, --volumes', 'Remove anonymous volumes associated with the container')
    .action(async (names: string[], { force = false, volumes = false }: RmFlags) => {
      await using runtime = await cli.open()
      const remove = async (name: string): Promise<undefined> => {
        await runtime.container(name).remove({ force, volumes })
      }
      cli.exit(await eachNamed(names, remove))
    })
}
