import type { Command } from 'commander'
import type { Backend } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { CliError, isCliError, messageOf } from '../errors.js'
import { printError, printJson, printLine } from '../output/pipe-end.js'
import { parseTemplate } from '../output/template.js'
import { codeOf } from './run-failure.js'

interface InspectFlags {
  readonly format?: string
  readonly size?: true
  readonly type?: string
}

/** `ctrjs inspect`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] NAME|ID [NAME|ID...]')
    .argument('<names...>')
    .option('-f, --format <string>', 'Format output using a template: json, "{{.State.Status}}", ...')
    .option('-s, --size', 'Display total file sizes of containers')
    .option('--type <string>', 'Only inspect objects of the given type: container, image, network or volume')
    .action(async (names: string[], flags: InspectFlags) => {
      await using backend = await cli.backend()
      await printInspected(cli, names, flags.format, (name) => inspect(backend, name, flags))
    })
}

/**
 * Prints Docker's documents of what was named: a list of them, or what a template makes of each. One that is not there does
 * not keep the others from it.
 */
export async function printInspected(
  cli: Cli,
  names: readonly string[],
  format: string | undefined,
  inspectOne: (name: string) => Promise<unknown>,
): Promise<void> {
  const template = format === undefined ? undefined : parseTemplate(format === 'json' ? '{{json .}}' : format)
  const found: unknown[] = []
  for (const name of names) {
    try {
      const document = await inspectOne(name)
      if (template === undefined) found.push(document)
      else printLine(template(document))
    } catch (error) {
      printError(`ctrjs: ${messageOf(error)}`)
      cli.exit(1)
    }
  }
  if (template === undefined) printJson(found)
}

async function inspect(backend: Backend, name: string, { type, size }: InspectFlags): Promise<unknown> {
  const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
    // named in here: without a daemon it is looked for at once
    container: async () => await backend.container(name).inspect({ size: size === true }),
    image: () => backend.images.inspect(name),
    network: () => backend.networks.inspect(name),
    volume: () => backend.volumes.inspect(name),
  }
  if (type !== undefined) {
    if (!Object.hasOwn(kinds, type))
      throw new CliError('ERR_CLI_USAGE', `"${type}" is not a valid value for --type`)
    return await kinds[type]!()
  }
  for (const look of Object.values(kinds)) {
    try {
      return await look()
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  throw new CliError('ERR_CLI_USAGE', `no such object: ${name}`)
}

function isMissing(error: unknown): boolean {
  const isUnknown = isCliError(error) && (error.status === 404 || error.code === 'ERR_CLI_USAGE')
  return isUnknown || /NOT_FOUND|INVALID_ARG|NEEDS_ROOT|UNSUPPORTED/.test(codeOf(error) ?? '')
}
