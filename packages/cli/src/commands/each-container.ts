import type { Command } from 'commander'
import type { BackendContainer } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { eachNamed } from './each-named.js'

/** Defines a command that does one thing with each of several containers, and has no options. */
export function eachContainer(
  act: (container: BackendContainer) => Promise<void>,
): (command: Command, cli: Cli) => void {
  return (command, cli) => {
    command
      .usage('CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .action(async (names: string[]) => {
        await forEach(cli, names, act)
      })
  }
}

/** Does something with each container that was named, and prints their names. */
export async function forEach(
  cli: Cli,
  names: readonly string[],
  act: (container: BackendContainer) => Promise<void>,
): Promise<void> {
  await using backend = await cli.backend()
  const actOn = async (name: string): Promise<undefined> => {
    await act(backend.container(name))
  }
  cli.exit(await eachNamed(names, actOn))
}
