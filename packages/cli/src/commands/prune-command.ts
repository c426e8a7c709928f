import { Command } from 'commander'
import type { Backend, Filters } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { collect } from '../options/collect.js'
import { parseFilters } from '../options/parse-filters.js'
import { confirm } from '../output/confirm.js'

interface PruneFlags {
  readonly all?: boolean
  readonly filter?: readonly string[]
  readonly force?: boolean
}

/** What a command removes of what nobody uses. */
export interface PruneCommand {
  readonly description: string
  /** What `--all` does; undefined where there is no such flag. */
  readonly all?: string | undefined
  readonly filters: string
  /** What is removed, behind `This will remove`. */
  readonly what: (all: boolean) => string
  readonly prune: (backend: Backend, all: boolean, filters: Filters) => Promise<void>
}

/** Defines a `prune`: asks first, unless by `--force`. */
export function pruneCommand(cli: Cli, { description, all, filters, what, prune }: PruneCommand): Command {
  const command = new Command('prune').description(description).usage('[OPTIONS]')
  if (all !== undefined) command.option('-a, --all', all)
  return command
    .option('--filter <filter>', `Remove only some: ${filters}`, collect)
    .option('-f, --force', 'Do not prompt for confirmation')
    .action(async (flags: PruneFlags) => {
      const wanted = parseFilters(flags.filter ?? [])
      await using backend = await cli.backend()
      await confirmed(flags.force === true, `WARNING! This will remove ${what(flags.all === true)}.`, 'prune')
      await prune(backend, flags.all === true, wanted)
    })
}

/** @throws `CliError` `ERR_CLI_REFUSED`: the answer was not yes. */
export async function confirmed(isForced: boolean, warning: string, action: string): Promise<void> {
  if (isForced || (await confirm(warning))) return
  throw new CliError('ERR_CLI_REFUSED', `cannot ${action}: it was not confirmed`)
}
