import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { forEach } from './each-container.js'

interface RmFlags {
  readonly force?: boolean
  readonly volumes?: boolean
}

/** `ctrjs rm`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-f, --force', 'Force the removal of a running container (uses SIGKILL)')
    .option('-v, --volumes', 'Remove anonymous volumes associated with the container')
    .action(async (names: string[], { force = false, volumes = false }: RmFlags) => {
      await forEach(cli, names, (container) => container.remove({ force, volumes }))
    })
}
