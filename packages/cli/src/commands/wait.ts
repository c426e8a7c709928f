import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { eachNamed } from './each-named.js'

/** `ctrjs wait`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .action(async (names: string[]) => {
      await using backend = await cli.backend()
      const waitFor = async (name: string): Promise<string> => {
        const code = await backend.container(name).wait()
        if (code === null)
          throw new CliError('ERR_CLI_RUN', `cannot tell how ${name} has ended: nobody was there to see it`)
        return String(code)
      }
      cli.exit(await eachNamed(names, waitFor))
    })
}
