import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printLine } from '../output/pipe-end.js'

/** `ctrjs diff`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('CONTAINER')
    .argument('<container>')
    .action(async (name: string) => {
      await using backend = await cli.backend()
      for (const { kind, path } of await backend.container(name).changes()) printLine(`${kind} ${path}`)
    })
}
