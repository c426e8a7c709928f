import { release } from 'node:os'
import type { Command } from 'commander'
import { features } from '../check/features.js'
import { readHost } from '../check/read-host.js'
import type { Cli } from '../cli.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { rootlessWarnings } from '../output/rootless.js'

/** `ctrjs check`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON object')
    .action(async ({ json }: { readonly json?: true }) => {
      const host = readHost()
      const results = features.map(({ test, ...feature }) => ({ ...feature, availability: test(host) }))
      const isUsable = results.every(({ isNeeded, availability }) => !isNeeded || availability !== 'missing')
      if (!isUsable) cli.exit(1)
      if (json === true) {
        const { configSource = null, cgroupMode } = host
        printJson({ kernel: release(), configSource, cgroupMode, isUsable, features: results })
        return
      }
      printLine(
        `Kernel ${release()}, cgroups ${host.cgroupMode}, configuration ${host.configSource ?? 'not to be found'}`,
      )
      let group = ''
      for (const { group: own, title, availability, isNeeded, consequence, remedy } of results) {
        if (own !== group) printLine(`\n${own}`)
        group = own
        printLine(
          `  ${title.padEnd(24)} ${availability}${availability === 'missing' && isNeeded ? ' (needed)' : ''}`,
        )
        if (availability === 'there' || availability === 'module') continue
        printLine(`    ${consequence}\n    to turn on: ${remedy}`)
      }
      await printRootless(cli)
      printLine(
        isUsable ? '\nContainers can run here.' : '\nContainers cannot run here, or not as they should.',
      )
    })
}

/** What it means here not to be root. */
async function printRootless(cli: Cli): Promise<void> {
  if (process.geteuid?.() === 0) return
  await using runtime = await cli.open()
  if (runtime.rootless === undefined) return
  const { ids, network, limits } = runtime.rootless
  printLine('\nWithout root')
  const there = { 'several ids': ids > 1, network: network !== null, limits }
  for (const [title, isThere] of Object.entries(there))
    printLine(`  ${title.padEnd(24)} ${isThere ? 'there' : 'missing'}`)
  for (const warning of rootlessWarnings(runtime.rootless)) printLine(`    ${warning}`)
}
