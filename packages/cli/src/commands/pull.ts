import type { Command } from 'commander'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { printLine } from '../output/pipe-end.js'
import { pullImage } from './pull-image.js'

/** `ctrjs pull`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] NAME[:TAG|@DIGEST]')
    .argument('<image>')
    .option('--platform <string>', 'Set platform if server is multi-platform capable')
    .option('-q, --quiet', 'Suppress verbose output')
    .action(
      async (
        image: string,
        { platform, quiet = false }: { readonly platform?: string; readonly quiet?: boolean },
      ) => {
        using interrupt = interruptible()
        await using runtime = await cli.open()
        try {
          printLine(
            await pullImage(runtime, image, {
              quiet,
              platform,
              stream: process.stdout,
              signal: interrupt.signal,
            }),
          )
        } catch (error) {
          const signal = interrupt.by()
          if (signal === undefined) throw error
          cli.exit(exitCodeOfSignal(signal))
        }
      },
    )
}
