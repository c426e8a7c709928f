import type { Command } from 'commander'
import { checkHost } from '@ctr/cgroups'
import type { FirewallWarning } from '@ctr/runtime'
import type { Cli } from '../cli.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { rootlessWarnings } from '../output/rootless.js'

/** `ctrjs check`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON object')
    .action(async ({ json }: { readonly json?: true }) => {
      const { kernel, configSource, cgroupMode, controllers, isUsable, findings } = checkHost()
      if (!isUsable) cli.exit(1)
      const firewalls = await firewallWarnings(cli)
      if (json === true) {
        printJson({
          kernel,
          configSource: configSource ?? null,
          cgroupMode: cgroupMode ?? null,
          controllers: Object.fromEntries(controllers),
          isUsable,
          features: findings,
          firewalls,
        })
        return
      }
      printLine(
        `Kernel ${kernel}, cgroups ${cgroupMode ?? 'not mounted'}, configuration ${configSource ?? 'not to be found'}`,
      )
      const versions = [...controllers].map(([name, version]) => `${name} (v${version})`)
      printLine(`Controllers: ${versions.join(', ') || 'none'}`)
      let group = ''
      for (const { group: own, title, availability, isNeeded, consequence, remedy, warning } of findings) {
        if (own !== group) printLine(`\n${own}`)
        group = own
        printLine(
          `  ${title.padEnd(24)} ${availability}${availability === 'missing' && isNeeded ? ' (needed)' : ''}`,
        )
        if (availability === 'there' || availability === 'module') continue
        printLine(
          `    ${warning === undefined ? '' : `${warning}: `}${consequence}\n    to turn on: ${remedy}`,
        )
      }
      if (firewalls.length > 0) printLine('\nFirewall')
      for (const { message, remedy } of firewalls) printLine(`  WARNING: ${message}\n    to do: ${remedy}`)
      await printRootless(cli)
      printLine(
        isUsable ? '\nContainers can run here.' : '\nContainers cannot run here, or not as they should.',
      )
    })
}

/** Firewalls of the host that keep networks from working: root's only. */
async function firewallWarnings(cli: Cli): Promise<FirewallWarning[]> {
  if (process.geteuid?.() !== 0) return []
  await using runtime = await cli.open()
  return runtime.networks.warnings()
}

/** What it means here not to be root. */
async function printRootless(cli: Cli): Promise<void> {
  if (process.geteuid?.() === 0) return
  await using runtime = await cli.open()
  if (runtime.rootless === undefined) return
  const { ids, network, limits, storage } = runtime.rootless
  printLine('\nWithout root')
  const there = { 'several ids': ids > 1, network: network !== null, limits, overlays: storage === 'overlay' }
  for (const [title, isThere] of Object.entries(there))
    printLine(`  ${title.padEnd(24)} ${isThere ? 'there' : 'missing'}`)
  for (const warning of rootlessWarnings(runtime.rootless)) printLine(`    ${warning}`)
}
