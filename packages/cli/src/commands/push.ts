import type { Command } from 'commander'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { shortName } from '../output/image-name.js'
import { printLine } from '../output/pipe-end.js'
import { showProgress } from '../output/transfer-progress.js'

/** `ctrjs push`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] NAME[:TAG]')
    .argument('<image>')
    .option('-q, --quiet', 'Suppress verbose output')
    .action(async (image: string, { quiet = false }: { readonly quiet?: boolean }) => {
      using interrupt = interruptible()
      await using runtime = await cli.open()
      try {
        using progress = quiet ? undefined : await showProgress(process.stdout, 'push')
        const { digest, size } = await runtime.images.push(image, {
          signal: interrupt.signal,
          onProgress: progress?.onEvent,
        })
        progress?.[Symbol.dispose]()
        printLine(quiet ? shortName(image) : `${shortName(image)}: digest: ${digest} size: ${size}`)
      } catch (error) {
        const signal = interrupt.by()
        if (signal === undefined) throw error
        cli.exit(exitCodeOfSignal(signal))
      }
    })
}
