import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printLine } from '../output/pipe-end.js'
import { formatTable } from '../output/table.js'

/** `ctrjs top`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('CONTAINER [ps OPTIONS]')
    .argument('<container>')
    .argument('[options...]')
    .action(async (name: string, options: string[]) => {
      await using backend = await cli.backend()
      const { titles, rows } = await backend.container(name).top(options)
      printLine(formatTable(titles, rows))
    })
}
