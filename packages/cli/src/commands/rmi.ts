import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { eachNamed } from './each-named.js'

/** `ctrjs rmi`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('IMAGE [IMAGE...]')
    .argument('<images...>')
    .action(async (names: string[]) => {
      await using backend = await cli.backend()
      const remove = async (name: string): Promise<string> => (await backend.images.remove(name)).join('\n')
      cli.exit(await eachNamed(names, remove))
    })
}
