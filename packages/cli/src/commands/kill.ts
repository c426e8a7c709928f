import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { eachNamed } from './each-named.js'

/** `ctrjs kill`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-s, --signal <string>', 'Signal to send to the container', 'KILL')
    .action(async (names: string[], { signal }: { readonly signal: string }) => {
      await using runtime = await cli.open()
      const kill = async (name: string): Promise<undefined> => {
        const container = runtime.container(name)
        container.kill(signal)
        // when this returns, the container is no longer shown as running
        if (/^(SIG)?KILL$|^9$/i.test(signal) && !container.isPaused) await container.wait()
      }
      cli.exit(await eachNamed(names, kill))
    })
}
