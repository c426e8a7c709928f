import type { Command } from 'commander'
import type { Cli } from '../cli.js'

/** `ctrjs tag`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]')
    .argument('<source>')
    .argument('<target>')
    .action(async (source: string, target: string) => {
      await using backend = await cli.backend()
      await backend.images.tag(source, target)
    })
}
