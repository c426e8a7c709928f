import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printLine } from '../output/pipe-end.js'

/** `ctrjs logout`. */
export function define(command: Command, _cli: Cli): void {
  command
    .usage('[SERVER]')
    .argument('[server]', undefined, 'docker.io')
    .action(async (server: string) => {
      const { logout } = await import('@ctr/registry')
      printLine(
        (await logout(server)) ? `Removing login credentials for ${server}` : `Not logged in to ${server}`,
      )
    })
}
