import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { parseInteger } from '../options/parse-number.js'
import { eachNamed } from './each-named.js'

/** A time-out of -1 is none. setTimeout(3) takes 31 bits of milliseconds: 24 days. */
const forever = 2 ** 31 - 1

/** `ctrjs stop`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-t, --timeout <int>', 'Seconds to wait before killing the container (default 10)')
    .action(async (names: string[], { timeout }: { readonly timeout?: string }) => {
      const seconds = timeout === undefined ? 10 : parseInteger(timeout, '-t, --timeout')
      const timeoutMs = seconds < 0 ? forever : Math.min(seconds * 1000, forever)
      await using runtime = await cli.open()
      const stop = async (name: string): Promise<undefined> => {
        const container = runtime.container(name)
        if (container.inspect().status !== 'running') return
        if (container.isPaused) await container.unpause()
        await container.stop({ timeoutMs })
      }
      cli.exit(await eachNamed(names, stop))
    })
}
