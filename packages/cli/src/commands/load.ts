import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { shortName } from '../output/image-name.js'
import { printLine } from '../output/pipe-end.js'

/** `ctrjs load`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('-i, --input <file>', 'Read from a tar archive file, instead of STDIN')
    .option('-q, --quiet', 'Suppress the load output')
    .action(async ({ input, quiet = false }: { readonly input?: string; readonly quiet?: boolean }) => {
      if (input === undefined && process.stdin.isTTY)
        throw new CliError(
          'ERR_CLI_TERMINAL',
          'cannot load from a terminal: use the -i flag or redirect the input',
        )
      using interrupt = interruptible()
      await using runtime = await cli.open()
      const archive = input === undefined ? process.stdin : createReadStream(input)
      try {
        const images = await runtime.images.load(archive, { signal: interrupt.signal })
        if (quiet) return
        for (const { id, references } of images) {
          for (const name of references) printLine(`Loaded image: ${shortName(name)}`)
          if (references.length === 0) printLine(`Loaded image ID: ${id}`)
        }
      } catch (error) {
        const signal = interrupt.by()
        if (signal === undefined) throw error
        cli.exit(exitCodeOfSignal(signal))
      }
    })
}
