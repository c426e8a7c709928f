import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { addDetachKeys, addSigProxy, passesSignals, type JoinFlags } from '../options/join-flags.js'
import { attachTo } from './start.js'

interface AttachFlags extends Pick<JoinFlags, 'detachKeys' | 'sigProxy'> {
  readonly stdin: boolean
}

/** `ctrjs attach`. */
export function define(command: Command, cli: Cli): void {
  addSigProxy(addDetachKeys(command.usage('[OPTIONS] CONTAINER').argument('<container>')))
    .option('--no-stdin', 'Do not attach STDIN')
    .action(async (name: string, { stdin, detachKeys, ...flags }: AttachFlags) => {
      const sigProxy = passesSignals(flags)
      // without a daemon only what a container prints can be had
      const isInteractive = stdin && cli.daemon() !== undefined && (await keepsInput(cli, name))
      cli.exit(await attachTo(cli, name, { start: false, stdin: isInteractive, detachKeys, sigProxy }))
    })
}

interface Inspected {
  readonly State?: { readonly Running?: boolean }
  readonly Config?: { readonly OpenStdin?: boolean }
}

async function keepsInput(cli: Cli, name: string): Promise<boolean> {
  await using backend = await cli.backend()
  const { State, Config } = (await backend.container(name).inspect()) as Inspected
  if (State?.Running !== true)
    throw new CliError('ERR_CLI_USAGE', `cannot attach to ${name}: it does not run; start it first`)
  return Config?.OpenStdin === true
}
