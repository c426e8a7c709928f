import { Command } from 'commander'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { parseFilters } from '../options/parse-filters.js'
import { parsePairs } from '../options/parse-pairs.js'
import { formatLabels } from '../output/labels.js'
import { printList, type ListFlags } from '../output/list.js'
import { printLine } from '../output/pipe-end.js'
import { printPruned } from '../output/pruned.js'
import { eachNamed } from './each-named.js'
import { printInspected } from './inspect.js'
import { pruneCommand } from './prune-command.js'

/** `ctrjs volume`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('COMMAND')
    .addCommand(create(cli))
    .addCommand(inspect(cli))
    .addCommand(list(cli))
    .addCommand(prune(cli))
    .addCommand(remove(cli))
}

interface CreateFlags {
  readonly driver: string
  readonly label?: readonly string[]
  readonly opt?: readonly string[]
}

function create(cli: Cli): Command {
  return new Command('create')
    .description('Create a volume')
    .usage('[OPTIONS] [VOLUME]')
    .argument('[volume]')
    .option('-d, --driver <string>', 'Specify volume driver name (of a daemon)', 'local')
    .option('--label <list>', 'Set metadata for a volume', collect)
    .option(
      '-o, --opt <list>',
      'Limit it (size=BYTES, inodes=NUMBER), or set options of a driver (of a daemon)',
      collect,
    )
    .action(async (name: string | undefined, { driver, label = [], opt = [] }: CreateFlags) => {
      const labels = parsePairs(label, '--label')
      const options = parsePairs(opt, '-o, --opt')
      await using backend = await cli.backend()
      printLine(await backend.volumes.create({ name, driver, labels, options }))
    })
}

function inspect(cli: Cli): Command {
  return new Command('inspect')
    .description('Display detailed information on one or more volumes')
    .usage('[OPTIONS] VOLUME [VOLUME...]')
    .argument('<volumes...>')
    .option('-f, --format <string>', 'Format output using a template')
    .action(async (names: string[], { format }: { readonly format?: string }) => {
      await using backend = await cli.backend()
      await printInspected(cli, names, format, async (name) => await backend.volumes.inspect(name))
    })
}

function list(cli: Cli): Command {
  return new Command('ls')
    .alias('list')
    .description('List volumes')
    .usage('[OPTIONS]')
    .option('-f, --filter <filter>', 'Provide filter values (e.g. "dangling=true")', collect)
    .option('--format <string>', 'Format output using a template: json, "table {{.Name}}\\t{{.Driver}}", ...')
    .option('--json', 'Print a JSON array')
    .option('-q, --quiet', 'Only display volume names')
    .action(async (flags: ListFlags) => {
      await using backend = await cli.backend()
      const volumes = await backend.volumes.list(parseFilters(flags.filter ?? []))
      const rows = volumes.map(({ driver, name, labels }) => ({
        ...{ Driver: driver, Name: name, Labels: formatLabels(labels) },
      }))
      printList(
        {
          rows,
          headings,
          shown: ['Driver', 'Name'],
          quiet: 'Name',
          documents: volumes.map(({ document }) => document),
        },
        flags,
      )
    })
}

const headings = { Driver: 'DRIVER', Name: 'VOLUME NAME', Labels: 'LABELS' }

function prune(cli: Cli): Command {
  return pruneCommand(cli, {
    description: 'Remove unused local volumes',
    all: 'Remove all unused volumes, not just anonymous ones',
    filters: 'label=NAME[=VALUE], label!=NAME[=VALUE]',
    what: (all) => `${all ? 'all' : 'anonymous'} local volumes not used by at least one container`,
    prune: async (backend, all, filters) => {
      printPruned('Deleted Volumes:', await backend.volumes.prune(all, filters))
    },
  })
}

function remove(cli: Cli): Command {
  return new Command('rm')
    .alias('remove')
    .description('Remove one or more volumes')
    .usage('[OPTIONS] VOLUME [VOLUME...]')
    .argument('<volumes...>')
    .option('-f, --force', 'Do not complain of volumes that are not there')
    .action(async (names: string[], { force = false }: { readonly force?: boolean }) => {
      await using backend = await cli.backend()
      const removeOne = async (name: string): Promise<undefined> => {
        await backend.volumes.remove(name, force)
      }
      cli.exit(await eachNamed(names, removeOne))
    })
}
