import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { eachNamed } from './each-named.js'

/** `ctrjs rmi`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .argument('<images...>')
    .option('-f, --force', 'Force removal of the image by a daemon (without one, an id means all names)')
    .action(async (names: string[], { force = false }: { readonly force?: boolean }) => {
      await using backend = await cli.backend()
      const remove = async (name: string): Promise<string> =>
        (await backend.images.remove(name, { force })).join('\n')
      cli.exit(await eachNamed(names, remove))
    })
}
