import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { CliError } from '../errors.js'
import { printLine } from '../output/pipe-end.js'

interface ImportFlags {
  readonly change?: readonly string[]
  readonly message?: string
  readonly platform?: string
}

/** `ctrjs import`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] file|URL|- [REPOSITORY[:TAG]]')
    .argument('<file>')
    .argument('[name]')
    .option('-c, --change <list>', 'Apply Dockerfile instruction to the created image', collect)
    .option('-m, --message <string>', 'Set commit message for imported image')
    .option('--platform <string>', 'Set platform if it is not that of this machine')
    .action(
      async (file: string, reference: string | undefined, { change, message, platform }: ImportFlags) => {
        if (file === '-' && process.stdin.isTTY)
          throw new CliError('ERR_CLI_TERMINAL', 'cannot import from a terminal: redirect the input')
        using interrupt = interruptible()
        await using runtime = await cli.open()
        const { signal } = interrupt
        try {
          const options = { reference, changes: change, message, platform, signal }
          printLine((await runtime.images.import(sourceOf(file), options)).id)
        } catch (error) {
          const signal = interrupt.by()
          if (signal === undefined) throw error
          cli.exit(exitCodeOfSignal(signal))
        }
      },
    )
}

function sourceOf(file: string): AsyncIterable<Uint8Array> | string {
  if (file === '-') return process.stdin
  return /^https?:\/\//.test(file) ? file : createReadStream(file)
}
