import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import { untilInterrupted } from '../attach/until-interrupted.js'
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
        await untilInterrupted(cli, async (signal) => {
          await using backend = await cli.backend()
          const options = { reference, changes: change, message, platform, signal }
          printLine(await backend.images.import(sourceOf(file), options))
        })
      },
    )
}

function sourceOf(file: string): Readable | string {
  if (file === '-') return process.stdin
  return /^https?:\/\//.test(file) ? file : createReadStream(file)
}
