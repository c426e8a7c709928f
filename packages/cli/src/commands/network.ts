import { Command } from 'commander'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { parseFilters } from '../options/parse-filters.js'
import { priorityOf, type AttachFlags, type CreateNetworkFlags } from '../options/parse-network.js'
import { parseRate } from '../options/parse-rate.js'
import { explainText } from '../output/explain-text.js'
import { formatLabels } from '../output/labels.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { printRemoved } from '../output/pruned.js'
import { printList, type ListFlags } from '../output/list.js'
import { eachNamed } from './each-named.js'
import { hosts, releaseHost } from './network-hosts.js'
import { printInspected } from './inspect.js'
import { pruneCommand } from './prune-command.js'

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

interface ConnectFlags extends AttachFlags {
  readonly alias?: readonly string[]
  readonly gwPriority?: string
}

function connect(cli: Cli): Command {
  return new Command('connect')
    .description('Connect a running container to a network')
    .usage('[OPTIONS] NETWORK CONTAINER')
    .argument('<network>')
    .argument('<container>')
    .option('--alias <list>', 'Add network-scoped alias for the container', collect)
    .option('--gw-priority <int>', 'With the highest priority a network is the way out (default 0)')
    .option('--ip <address>', 'IPv4 address (e.g., "172.30.100.104")')
    .option('--ip6 <address>', 'IPv6 address (e.g., "2001:db8::33")')
    .option('--link-local-ip <list>', 'Add a link-local address for the container', collect)
    .option('--mac-address <mac>', 'Hardware address')
    .action(async (network: string, container: string, flags: ConnectFlags) => {
      const { alias, ip, ip6, macAddress, linkLocalIp, gwPriority } = flags
      const gatewayPriority = gwPriority === undefined ? undefined : priorityOf(gwPriority, '--gw-priority')
      const addresses = { ip, ip6, mac: macAddress, linkLocalIps: linkLocalIp }
      await using backend = await cli.backend()
      await backend.networks.connect(network, container, { aliases: alias, ...addresses, gatewayPriority })
    })
}

function create(cli: Cli): Command {
  return new Command('create')
    .description('Create a network')
    .usage('[OPTIONS] NETWORK')
    .argument('<network>')
    .option('--attachable', 'Containers may be connected by hand (they always may)')
    .option('--aux-address <list>', 'Addresses of others, as NAME=ADDRESS', collect)
    .option('--config-from <string>', 'The network to copy the configuration from (of a daemon)')
    .option('--config-only', 'Create a configuration only network (of a daemon)')
    .option('-d, --driver <string>', 'Driver: bridge, macvlan, ipvlan or overlay', 'bridge')
    .option('--gateway <list>', 'IPv4 or IPv6 gateway for the subnet', collect)
    .option('--internal', 'Restrict external access to the network')
    .option('--ip-range <list>', 'Allocate container addresses from a part of the subnet', collect)
    .option('--ipam-driver <string>', 'IP Address Management driver, "default" without a daemon')
    .option('--ipam-opt <list>', 'IPAM driver specific options (of a daemon)', collect)
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
    .option('-f, --filter <filter>', 'Provide filter values (e.g. "driver=bridge")', collect)
    .option('--format <string>', 'Format output using a template: json, "table {{.ID}}\\t{{.Name}}", ...')
    .option('--json', 'Print a JSON array')
    .option('--no-trunc', 'Do not truncate the output')
    .option('-q, --quiet', 'Only display network IDs')
    .action(async (flags: ListFlags) => {
      await using backend = await cli.backend()
      const networks = await backend.networks.list(parseFilters(flags.filter ?? []))
      const shown = (id: string): string => (flags.trunc === false ? id : id.slice(0, 12))
      const rows = networks.map(({ id, name, driver, scope, labels }) => ({
        ...{ ID: shown(id), Name: name, Driver: driver, Scope: scope, Labels: formatLabels(labels) },
      }))
      printList(
        {
          rows,
          headings,
          shown: ['ID', 'Name', 'Driver', 'Scope'],
          quiet: 'ID',
          documents: networks.map(({ document }) => document),
        },
        flags,
      )
    })
}

const headings = { ID: 'NETWORK ID', Name: 'NAME', Driver: 'DRIVER', Scope: 'SCOPE', Labels: 'LABELS' }

function prune(cli: Cli): Command {
  return pruneCommand(cli, {
    description: 'Remove all unused networks',
    filters: 'until=24h, label=NAME[=VALUE], label!=NAME[=VALUE]',
    what: () => 'all custom networks not used by at least one container',
    prune: async (backend, _all, filters) => {
      printRemoved('Deleted Networks:', await backend.networks.prune(filters))
    },
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
