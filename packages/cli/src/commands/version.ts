import { arch, platform, release } from 'node:os'
import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printByTemplate } from '../output/formatted.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { ownVersion } from '../version.js'

/** `ctrjs version`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('-f, --format <string>', 'Format output using a template: json, "{{.Client.Version}}", ...')
    .option('--json', 'Print a JSON object')
    .action(async ({ format, json }: { readonly format?: string; readonly json?: true }) => {
      const host = cli.daemon()
      const facts = {
        version: ownVersion(),
        node: process.versions.node,
        kernel: release(),
        os: platform(),
        architecture: arch(),
      }
      const server = host === undefined ? undefined : await serverFacts(host)
      if (format !== undefined) {
        const { version, node, kernel, os, architecture } = facts
        const Client = {
          Version: version,
          NodeVersion: node,
          KernelVersion: kernel,
          Os: os,
          Arch: architecture,
        }
        printByTemplate(format, { Client, Server: server ?? null })
      } else if (json === true) printJson({ ...facts, ...(server === undefined ? {} : { server }) })
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
