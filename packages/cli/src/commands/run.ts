import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { addRunFlags, type RunFlags } from '../options/run-flags.js'
import { runContainer } from './run-container.js'

/** `ctrjs run`. */
export function define(command: Command, cli: Cli): void {
  addRunFlags(
    command.usage('[OPTIONS] IMAGE|PATH [COMMAND] [ARG...]').argument('<image>').argument('[command...]'),
  )
  command.action(async (target: string, args: string[], flags: RunFlags) => {
    cli.exit(await runContainer(cli, flags, target, args))
  })
}
