import { Command } from 'commander'
import type { Cli } from '../cli.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { formatTable } from '../output/table.js'

/** `ctrjs network hosts`. */
export function hosts(cli: Cli): Command {
  return new Command('hosts')
    .description('List the hosts of an overlay network, also those that are not heard of')
    .usage('[OPTIONS] NETWORK')
    .argument('<network>')
    .option('--json', 'Print a JSON array')
    .action(async (name: string, { json }: { readonly json?: true }) => {
      await using runtime = await cli.open()
      const all = await runtime.networks.hosts(name)
      if (json === true) printJson(all)
      else
        printLine(
          formatTable(
            ['HOST', 'ADDRESS', 'CONTAINERS', 'BLOCKS'],
            all.map(({ host, isOwn, address, containers, blocks }) => [
              isOwn ? `${host} (this one)` : host,
              address ?? 'not heard of',
              String(containers),
              blocks.join(', '),
            ]),
          ),
        )
    })
}

/** `ctrjs network release-host`. */
export function releaseHost(cli: Cli): Command {
  return new Command('release-host')
    .description('Give the addresses of a host of an overlay network to others, once it is gone for good')
    .usage('NETWORK HOST')
    .argument('<network>')
    .argument('<host>')
    .action(async (name: string, host: string) => {
      await using runtime = await cli.open()
      for (const block of await runtime.networks.releaseHost(name, host)) printLine(block)
    })
}
