import type { Command } from 'commander'
import type { BackendContainer, StopRequest } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { parseInteger } from '../options/parse-number.js'
import { forEach } from './each-container.js'

/** Defines a command that asks each of several containers to end, and ends it when it does not. */
export function endContainers(
  act: (container: BackendContainer, how: StopRequest) => Promise<void>,
): (command: Command, cli: Cli) => void {
  return (command, cli) => {
    command
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .option('-s, --signal <string>', 'Signal to send to the container (default its stop signal)')
      .option('-t, --timeout <int>', 'Seconds to wait before killing the container, -1 for ever (default 10)')
      .action(async (names: string[], flags: { readonly signal?: string; readonly timeout?: string }) => {
        const { signal, timeout } = flags
        const timeoutSeconds = timeout === undefined ? undefined : parseInteger(timeout, '-t, --timeout')
        await forEach(cli, names, (container) => act(container, { signal, timeoutSeconds }))
      })
  }
}
