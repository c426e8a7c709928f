import { arch, platform, release } from 'node:os'
import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { ownVersion } from '../version.js'

/** `ctrjs version`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON object')
    .action(async ({ json }: { readonly json?: true }) => {
      const host = cli.daemon()
      const facts = {
        version: ownVersion(),
        node: process.versions.node,
        kernel: release(),
        os: platform(),
        architecture: arch(),
      }
      const server = host === undefined ? undefined : await serverFacts(host)
      if (json === true) printJson({ ...facts, ...(server === undefined ? {} : { server }) })
      else {
        printLine(`ctrjs:\n Version:           ${facts.version}\n Node version:      ${facts.node}`)
        printLine(
          ` Kernel version:    ${facts.kernel}\n OS/Arch:           ${facts.os}/${facts.architecture}`,
        )
        if (server !== undefined) {
          const { factLines } = await import('../backend/remote/facts.js')
          printLine(['', 'Server:', ...factLines(server)].join('\n'))
        }
      }
    })
}

async function serverFacts(host: string): Promise<Readonly<Record<string, unknown>>> {
  const { factsOf } = await import('../backend/remote/facts.js')
  return await factsOf(host, 'version')
}
