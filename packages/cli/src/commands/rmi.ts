import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { shortName } from '../output/image-name.js'
import { eachNamed } from './each-named.js'

/** `ctrjs rmi`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('IMAGE [IMAGE...]')
    .argument('<images...>')
    .action(async (names: string[]) => {
      await using runtime = await cli.open()
      const remove = async (name: string): Promise<string> => {
        const { untagged, deleted } = await runtime.images.remove(name)
        return [
          ...untagged.map((reference) => `Untagged: ${shortName(reference)}`),
          ...deleted.map((digest) => `Deleted: ${digest}`),
        ].join('\n')
      }
      cli.exit(await eachNamed(names, remove))
    })
}
