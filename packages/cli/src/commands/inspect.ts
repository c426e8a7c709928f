import type { Command } from 'commander'
import type { Runtime } from '@ctr/runtime'
import type { Cli } from '../cli.js'
import { CliError, messageOf } from '../errors.js'
import { describeContainer, describeImage } from '../output/describe.js'
import { printError, printJson } from '../output/pipe-end.js'
import { codeOf } from './run-failure.js'

/** `ctrjs inspect`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] NAME|ID [NAME|ID...]')
    .argument('<names...>')
    .option('--type <string>', 'Only inspect objects of the given type: container or image')
    .action(async (names: string[], { type }: { readonly type?: string }) => {
      await using runtime = await cli.open()
      const found: unknown[] = []
      for (const name of names) {
        try {
          found.push(await inspect(runtime, name, type))
        } catch (error) {
          printError(`ctrjs: ${messageOf(error)}`)
          cli.exit(1)
        }
      }
      printJson(found)
    })
}

async function inspect(runtime: Runtime, name: string, type: string | undefined): Promise<unknown> {
  try {
    if (type !== 'image') return describeContainer(runtime.container(name))
  } catch (error) {
    if (codeOf(error) !== 'ERR_RUNTIME_CONTAINER_NOT_FOUND' || type === 'container') throw error
  }
  try {
    return describeImage(await runtime.images.get(name))
  } catch (error) {
    if (type === 'image' || codeOf(error) !== 'ERR_RUNTIME_IMAGE_NOT_FOUND') throw error
    throw new CliError('ERR_CLI_USAGE', `no such object: ${name}`, { cause: error })
  }
}
