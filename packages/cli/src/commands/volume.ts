import { Command } from 'commander'
import { collect, type Cli } from '../cli.js'
import { CliError, messageOf } from '../errors.js'
import { parsePairs } from '../options/parse-pairs.js'
import { confirm } from '../output/confirm.js'
import { printError, printJson, printLine } from '../output/pipe-end.js'
import { formatTable } from '../output/table.js'
import { eachNamed } from './each-named.js'

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

function create(cli: Cli): Command {
  return new Command('create')
    .description('Create a volume')
    .usage('[OPTIONS] [VOLUME]')
    .argument('[volume]')
    .option('--label <list>', 'Set metadata for a volume', collect)
    .action(async (name: string | undefined, { label = [] }: { readonly label?: readonly string[] }) => {
      await using runtime = await cli.open()
      const volume = await runtime.volumes.create(name, { labels: parsePairs(label, '--label') })
      printLine(volume.name)
    })
}

function inspect(cli: Cli): Command {
  return new Command('inspect')
    .description('Display detailed information on one or more volumes')
    .usage('VOLUME [VOLUME...]')
    .argument('<volumes...>')
    .action(async (names: string[]) => {
      await using runtime = await cli.open()
      const found: unknown[] = []
      for (const name of names) {
        try {
          const volume = runtime.volumes.get(name)
          if (volume === undefined) throw noSuch(name)
          const { createdAt, labels, path } = volume
          const driver = { Driver: 'local', Labels: labels, Mountpoint: path }
          found.push({ CreatedAt: createdAt, ...driver, Name: name, Options: null, Scope: 'local' })
        } catch (error) {
          printError(`ctrjs: ${messageOf(error)}`)
          cli.exit(1)
        }
      }
      printJson(found)
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
      await using runtime = await cli.open()
      const volumes = runtime.volumes.list()
      if (json === true) {
        printJson(
          volumes.map((volume) => {
            const { name, anonymous, labels, createdAt, path } = volume
            return { name, anonymous, labels, createdAt, path, users: volume.users() }
          }),
        )
      } else if (quiet === true) for (const { name } of volumes) printLine(name)
      else
        printLine(
          formatTable(
            ['DRIVER', 'VOLUME NAME'],
            volumes.map(({ name }) => ['local', name]),
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
      await using runtime = await cli.open()
      const which = all ? 'all' : 'anonymous'
      const warning = `WARNING! This will remove ${which} local volumes not used by at least one container.`
      if (!force && !(await confirm(warning)))
        throw new CliError('ERR_CLI_REFUSED', 'cannot prune: it was not confirmed')
      const removed = await runtime.volumes.prune({ all })
      if (removed.length > 0) printLine(['Deleted Volumes:', ...removed].join('\n'))
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
      await using runtime = await cli.open()
      const removeOne = async (name: string): Promise<undefined> => {
        if (!force && runtime.volumes.get(name) === undefined) throw noSuch(name)
        await runtime.volumes.remove(name)
      }
      cli.exit(await eachNamed(names, removeOne))
    })
}

function noSuch(name: string): CliError {
  return new CliError('ERR_CLI_USAGE', `no such volume: ${name}`)
}
