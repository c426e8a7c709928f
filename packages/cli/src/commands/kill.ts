import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { forEach } from './each-container.js'

/** `ctrjs kill`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-s, --signal <string>', 'Signal to send to the container', 'KILL')
    .action(async (names: string[], { signal }: { readonly signal: string }) => {
      await forEach(cli, names, (container) => container.kill(signal))
    })
}
