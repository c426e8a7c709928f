import { Command } from 'commander'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { formatSize } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { printPruned } from '../output/pruned.js'
import { pruneCommand } from './prune-command.js'

/** `ctrjs images prune`. */
export function prune(cli: Cli): Command {
  return pruneCommand(cli, {
    description: 'Remove images without a name, and what killed pulls have left',
    all: 'Remove all images that no container is made from, not just nameless ones',
    filters: 'until=24h, label=NAME[=VALUE], label!=NAME[=VALUE]; what killed pulls have left stays then',
    what: (all) =>
      all ? 'all images without at least one container associated to them' : 'all images without a name',
    prune: async (backend, all, filters) => {
      printPruned('Deleted Images:', await backend.images.prune(all, filters))
    },
  })
}

/** `ctrjs images verify`. Ends with 1 when something is wrong. */
export function verify(cli: Cli): Command {
  return new Command('verify')
    .description('Check every blob, layer and reference, and tell what mends them')
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON object')
    .option('--repair', 'Remove damaged blobs and layers, so that the next pull or run brings them back')
    .action(async ({ json, repair }: { readonly json?: true; readonly repair?: true }) => {
      using interrupt = interruptible()
      await using runtime = await cli.open()
      try {
        const check = await runtime.images.verify({ repair, signal: interrupt.signal })
        const { problems, images, blobs, layers, bytes } = check
        if (json === true) printJson(check)
        else {
          for (const { kind, message } of problems) printLine(`${kind}: ${message}`)
          const seen = `${images} images, ${blobs} blobs of ${formatSize(bytes)}, ${layers} layers`
          printLine(
            `Checked ${seen}: ${problems.length === 0 ? 'all is well' : `${problems.length} problems`}`,
          )
        }
        if (problems.length > 0) cli.exit(1)
      } catch (error) {
        const signal = interrupt.by()
        if (signal === undefined) throw error
        cli.exit(exitCodeOfSignal(signal))
      }
    })
}
