import { Command } from 'commander'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { CliError } from '../errors.js'
import { parsePairs } from '../options/parse-pairs.js'
import { confirm } from '../output/confirm.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { printPruned } from '../output/pruned.js'
import { formatTable } from '../output/table.js'
import { eachNamed } from './each-named.js'
import { printInspected } from './inspect.js'

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
    .option('--json', 'Print a JSON array')
    .option('-q, --quiet', 'Only display volume names')
    .action(async ({ json, quiet }: { readonly json?: true; readonly quiet?: true }) => {
      await using backend = await cli.backend()
      const volumes = await backend.volumes.list()
      if (json === true) printJson(volumes.map(({ document }) => document))
      else if (quiet === true) for (const { name } of volumes) printLine(name)
      else
        printLine(
          formatTable(
            ['DRIVER', 'VOLUME NAME'],
            volumes.map(({ driver, name }) => [driver, name]),
          ),
        )
    })
}

function prune(cli: Cli): Command {
  return new Command('prune')
    .description('Remove unused local volumes')
    .usage('[OPTIONS]')
    .option('-a, --all', 'Remove all unused volumes, not just anonymous ones')
    .option('-f, --force', 'Do not prompt for confirmation')
    .action(async ({ all = false, force = false }: { readonly all?: boolean; readonly force?: boolean }) => {
      await using backend = await cli.backend()
      const which = all ? 'all' : 'anonymous'
      const warning = `WARNING! This will remove ${which} local volumes not used by at least one container.`
      if (!force && !(await confirm(warning)))
        throw new CliError('ERR_CLI_REFUSED', 'cannot prune: it was not confirmed')
      printPruned('Deleted Volumes:', await backend.volumes.prune(all))
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
