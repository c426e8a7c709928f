import { Command } from 'commander'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { CliError } from '../errors.js'
import type { AttachFlags, CreateNetworkFlags } from '../options/parse-network.js'
import { parseRate } from '../options/parse-rate.js'
import { confirm } from '../output/confirm.js'
import { explainText } from '../output/explain-text.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { printRemoved } from '../output/pruned.js'
import { formatTable } from '../output/table.js'
import { eachNamed } from './each-named.js'
import { hosts, releaseHost } from './network-hosts.js'
import { printInspected } from './inspect.js'

/** `ctrjs network`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('COMMAND')
    .addCommand(connect(cli))
    .addCommand(create(cli))
    .addCommand(disconnect(cli))
    .addCommand(explain(cli))
    .addCommand(hosts(cli))
    .addCommand(inspect(cli))
    .addCommand(limit(cli))
    .addCommand(list(cli))
    .addCommand(prune(cli))
    .addCommand(releaseHost(cli))
    .addCommand(remove(cli))
}

function connect(cli: Cli): Command {
  return new Command('connect')
    .description('Connect a running container to a network')
    .usage('[OPTIONS] NETWORK CONTAINER')
    .argument('<network>')
    .argument('<container>')
    .option('--alias <list>', 'Add network-scoped alias for the container', collect)
    .option('--ip <address>', 'IPv4 address (e.g., "172.30.100.104")')
    .option('--ip6 <address>', 'IPv6 address (e.g., "2001:db8::33")')
    .option('--mac-address <mac>', 'Hardware address')
    .action(
      async (
        network: string,
        container: string,
        { alias, ip, ip6, macAddress }: AttachFlags & { readonly alias?: readonly string[] },
      ) => {
        await using backend = await cli.backend()
        await backend.networks.connect(network, container, { aliases: alias, ip, ip6, mac: macAddress })
      },
    )
}

function create(cli: Cli): Command {
  return new Command('create')
    .description('Create a network')
    .usage('[OPTIONS] NETWORK')
    .argument('<network>')
    .option('--attachable', 'Containers may be connected by hand (they always may)')
    .option('--aux-address <list>', 'Addresses of others, as NAME=ADDRESS', collect)
    .option('-d, --driver <string>', 'Driver: bridge, macvlan, ipvlan or overlay', 'bridge')
    .option('--gateway <list>', 'IPv4 or IPv6 gateway for the subnet', collect)
    .option('--internal', 'Restrict external access to the network')
    .option('--ip-range <list>', 'Allocate container addresses from a part of the subnet', collect)
    .option('--ipv6', 'Enable IPv6')
    .option('--label <list>', 'Set metadata on a network', collect)
    .option(
      '-o, --opt <list>',
      'Driver options: com.docker.network.driver.mtu, com.docker.network.bridge.name, …enable_icc, …enable_ip_masquerade, parent, macvlan_mode, ipvlan_mode; of overlay: store, local, vni, vxlan_port, ttl',
      collect,
    )
    .option('--subnet <list>', 'Subnet in CIDR format', collect)
    .action(async (name: string, flags: CreateNetworkFlags) => {
      await using backend = await cli.backend()
      printLine(await backend.networks.create(name, flags))
    })
}

function disconnect(cli: Cli): Command {
  return new Command('disconnect')
    .description('Disconnect a running container from a network')
    .usage('[OPTIONS] NETWORK CONTAINER')
    .argument('<network>')
    .argument('<container>')
    .option('-f, --force', 'Force the container to disconnect from a network of a daemon')
    .action(async (network: string, container: string, { force = false }: { readonly force?: boolean }) => {
      await using backend = await cli.backend()
      await backend.networks.disconnect(network, container, force)
    })
}

function explain(cli: Cli): Command {
  return new Command('explain')
    .description('Print how packets travel on a network, with what the kernel has for it')
    .usage('[OPTIONS] NETWORK')
    .argument('<network>')
    .option('--json', 'Print a JSON object')
    .action(async (name: string, { json }: { readonly json?: true }) => {
      await using runtime = await cli.open()
      const explanation = runtime.networks.explain(name)
      if (json === true) printJson(explanation)
      else printLine(explainText(explanation))
    })
}

function inspect(cli: Cli): Command {
  return new Command('inspect')
    .description('Display detailed information on one or more networks')
    .usage('[OPTIONS] NETWORK [NETWORK...]')
    .argument('<networks...>')
    .option('-f, --format <string>', 'Format output using a template')
    .action(async (names: string[], { format }: { readonly format?: string }) => {
      await using backend = await cli.backend()
      await printInspected(cli, names, format, async (name) => await backend.networks.inspect(name))
    })
}

function limit(cli: Cli): Command {
  return new Command('limit')
    .description('Limit how fast a running container may send and receive on a network')
    .usage('[OPTIONS] NETWORK CONTAINER')
    .argument('<network>')
    .argument('<container>')
    .option('--ingress-rate <rate>', 'What it receives, as 500kbit, 10mbit or 1gbit (default no limit)')
    .option('--egress-rate <rate>', 'What it sends (default no limit)')
    .action(
      async (
        network: string,
        container: string,
        { ingressRate, egressRate }: { readonly ingressRate?: string; readonly egressRate?: string },
      ) => {
        const rate = (text: string | undefined, option: string): number | undefined =>
          text === undefined ? undefined : parseRate(text, option)
        const bandwidth = {
          ingressRate: rate(ingressRate, '--ingress-rate'),
          egressRate: rate(egressRate, '--egress-rate'),
        }
        await using runtime = await cli.open()
        await runtime.networks.limit(network, container, bandwidth)
      },
    )
}

function list(cli: Cli): Command {
  return new Command('ls')
    .alias('list')
    .description('List networks')
    .usage('[OPTIONS]')
    .option('--json', 'Print a JSON array')
    .option('--no-trunc', 'Do not truncate the output')
    .option('-q, --quiet', 'Only display network IDs')
    .action(async (flags: { readonly json?: true; readonly trunc: boolean; readonly quiet?: true }) => {
      await using backend = await cli.backend()
      const networks = await backend.networks.list()
      const shown = (id: string): string => (flags.trunc ? id.slice(0, 12) : id)
      if (flags.json === true) printJson(networks.map(({ document }) => document))
      else if (flags.quiet === true) for (const { id } of networks) printLine(shown(id))
      else
        printLine(
          formatTable(
            ['NETWORK ID', 'NAME', 'DRIVER', 'SCOPE'],
            networks.map(({ id, name, driver, scope }) => [shown(id), name, driver, scope]),
          ),
        )
    })
}

function prune(cli: Cli): Command {
  return new Command('prune')
    .description('Remove all unused networks')
    .usage('[OPTIONS]')
    .option('-f, --force', 'Do not prompt for confirmation')
    .action(async ({ force = false }: { readonly force?: boolean }) => {
      await using backend = await cli.backend()
      const warning = 'WARNING! This will remove all custom networks not used by at least one container.'
      if (!force && !(await confirm(warning)))
        throw new CliError('ERR_CLI_REFUSED', 'cannot prune: it was not confirmed')
      printRemoved('Deleted Networks:', await backend.networks.prune())
    })
}

function remove(cli: Cli): Command {
  return new Command('rm')
    .alias('remove')
    .description('Remove one or more networks')
    .usage('[OPTIONS] NETWORK [NETWORK...]')
    .argument('<networks...>')
    .option(
      '-f, --force',
      'Do not complain of networks that are not there, nor of the store of an overlay that is away',
    )
    .action(async (names: string[], { force = false }: { readonly force?: boolean }) => {
      await using backend = await cli.backend()
      const removeOne = async (name: string): Promise<undefined> => {
        await backend.networks.remove(name, force)
      }
      cli.exit(await eachNamed(names, removeOne))
    })
}
