import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { eachNamed } from './each-named.js'

interface RemoveFlags {
  readonly force?: boolean
  readonly platform?: readonly string[]
}

/** `ctrjs rmi`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .argument('<images...>')
    .option('-f, --force', 'Force removal of the image by a daemon (without one, an id means all names)')
    .option(
      '--platform <list>',
      'Remove only the given platform of images that are here with several',
      collect,
    )
    .action(async (names: string[], { force = false, platform = [] }: RemoveFlags) => {
      const platforms = platform.flatMap((text) => text.split(','))
      await using backend = await cli.backend()
      const remove = async (name: string): Promise<string> =>
        (await backend.images.remove(name, { force, platforms })).join('\n')
      cli.exit(await eachNamed(names, remove))
    })
}
