import type { Command } from 'commander'
import type { Cli } from '../cli.js'

/** `ctrjs rename`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('CONTAINER NEW_NAME')
    .argument('<container>')
    .argument('<name>')
    .action(async (container: string, name: string) => {
      await using backend = await cli.backend()
      await backend.container(container).rename(name)
    })
}
