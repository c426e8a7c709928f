import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { writeArchive } from '../output/write-archive.js'

/** `ctrjs save`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .argument('<images...>')
    .option('-o, --output <file>', 'Write to a file, instead of STDOUT')
    .action(async (images: readonly string[], { output }: { readonly output?: string }) => {
      await writeArchive(cli, { what: 'save', output }, (runtime, signal) =>
        runtime.images.save(images, { signal }),
      )
    })
}
