import { createReadStream, statSync } from 'node:fs'
import type { Command } from 'commander'
import { untilInterrupted } from '../attach/until-interrupted.js'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { printLine } from '../output/pipe-end.js'

interface LoadFlags {
  readonly input?: string
  readonly platform?: string
  readonly quiet?: boolean
}

/** `ctrjs load`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option(
      '-i, --input <file>',
      'Read from a tar archive file, or a folder that is an OCI layout, instead of STDIN',
    )
    .option('--platform <string>', 'Load one platform of images that the archive has with several')
    .option('-q, --quiet', 'Suppress the load output')
    .action(async ({ input, platform, quiet = false }: LoadFlags) => {
      if (input === undefined && process.stdin.isTTY)
        throw new CliError(
          'ERR_CLI_TERMINAL',
          'cannot load from a terminal: use the -i flag or redirect the input',
        )
      const isFolder =
        input !== undefined && statSync(input, { throwIfNoEntry: false })?.isDirectory() === true
      await untilInterrupted(cli, async (signal) => {
        await using backend = await cli.backend()
        const { images } = backend
        const lines = isFolder
          ? await images.loadLayout(input, { platform, signal })
          : await images.load(input === undefined ? process.stdin : createReadStream(input), {
              ...{ platform, signal },
            })
        if (!quiet) for (const line of lines) printLine(line)
      })
    })
}
