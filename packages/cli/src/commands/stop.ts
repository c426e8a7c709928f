import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { parseInteger } from '../options/parse-number.js'
import { forEach } from './each-container.js'

/** `ctrjs stop`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-t, --timeout <int>', 'Seconds to wait before killing the container (default 10)')
    .action(async (names: string[], { timeout }: { readonly timeout?: string }) => {
      const seconds = timeout === undefined ? undefined : parseInteger(timeout, '-t, --timeout')
      await forEach(cli, names, (container) => container.stop(seconds))
    })
}
