import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { writeArchive } from '../output/write-archive.js'

/** `ctrjs export`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER')
    .argument('<container>')
    .option('-o, --output <file>', 'Write to a file, instead of STDOUT')
    .action(async (name: string, { output }: { readonly output?: string }) => {
      await writeArchive(cli, { what: 'export', output }, (backend, signal) =>
        backend.container(name).export(signal),
      )
    })
}
