import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printPruned } from '../output/pruned.js'
import { pruneCommand } from './prune-command.js'

/** `ctrjs container`. */
export function define(command: Command, cli: Cli): void {
  command.usage('COMMAND').addCommand(
    pruneCommand(cli, {
      description: 'Remove all containers that do not run',
      filters: 'until=24h, label=NAME[=VALUE], label!=NAME[=VALUE]',
      what: () => 'all containers that do not run',
      prune: async (backend, _all, filters) => {
        printPruned('Deleted Containers:', await backend.pruneContainers(filters))
      },
    }),
  )
}
