import { arch, platform, release } from 'node:os'
import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { ownVersion } from '../version.js'

/** `ctrjs version`. */
export function define(command: Command, _cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON object')
    .action(({ json }: { readonly json?: true }) => {
      const facts = {
        version: ownVersion(),
        node: process.versions.node,
        kernel: release(),
        os: platform(),
        architecture: arch(),
      }
      if (json === true) printJson(facts)
      else {
        printLine(`ctrjs:\n Version:           ${facts.version}\n Node version:      ${facts.node}`)
        printLine(
          ` Kernel version:    ${facts.kernel}\n OS/Arch:           ${facts.os}/${facts.architecture}`,
        )
      }
    })
}
