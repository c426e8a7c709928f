import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { eachNamed } from './each-named.js'

/** `ctrjs pause`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .action(async (names: string[]) => {
      await using runtime = await cli.open()
      const pause = async (name: string): Promise<undefined> => {
        await runtime.container(name).pause()
      }
      cli.exit(await eachNamed(names, pause))
    })
}
