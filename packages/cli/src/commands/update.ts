import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { usageError } from '../errors.js'
import { addLimitFlags, changedLimits, type LimitFlags } from '../options/limit-flags.js'
import { forEach } from './each-container.js'

interface UpdateFlags extends LimitFlags {
  readonly restart?: string
}

/** `ctrjs update`. */
export function define(command: Command, cli: Cli): void {
  addLimitFlags(command.usage('[OPTIONS] CONTAINER [CONTAINER...]').argument('<containers...>'))
    .option('--restart <string>', 'Restart policy to apply when a container exits (of a daemon)')
    .action(async (names: string[], { restart, ...flags }: UpdateFlags) => {
      const limits = changedLimits(flags)
      if (restart === undefined && Object.keys(limits).length === 0)
        throw usageError('nothing to update: give at least one limit that is not 0')
      await forEach(cli, names, (container) => container.update(limits, restart))
    })
}
