import type { Command } from 'commander'
import { untilInterrupted } from '../attach/until-interrupted.js'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { printLine } from '../output/pipe-end.js'

interface CommitFlags {
  readonly author?: string
  readonly change?: readonly string[]
  readonly message?: string
  readonly pause: boolean
}

/** `ctrjs commit`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER [REPOSITORY[:TAG]]')
    .argument('<container>')
    .argument('[name]')
    .option('-a, --author <string>', 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")')
    .option('-c, --change <list>', 'Apply Dockerfile instruction to the created image', collect)
    .option('-m, --message <string>', 'Commit message')
    .option('--no-pause', "Don't pause the container during commit")
    .action(
      async (
        name: string,
        reference: string | undefined,
        { author, change, message, pause }: CommitFlags,
      ) => {
        await untilInterrupted(cli, async (signal) => {
          await using backend = await cli.backend()
          const id = await backend.container(name).commit({
            reference,
            author,
            message,
            changes: change,
            ...(pause ? {} : { pause: false }),
            signal,
          })
          printLine(id)
        })
      },
    )
}
