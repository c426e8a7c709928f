import type { Command } from 'commander'
import { attach } from '../attach/attach.js'
import { checkTerminal, terminalSize } from '../attach/terminal.js'
import type { Cli } from '../cli.js'
import { usageError } from '../errors.js'
import { addDetachKeys, type JoinFlags } from '../options/join-flags.js'
import { forEach } from './each-container.js'
import { runFailure } from './run-failure.js'

interface StartFlags extends Pick<JoinFlags, 'detachKeys'> {
  readonly attach?: true
  readonly interactive?: boolean
}

/** `ctrjs start`. */
export function define(command: Command, cli: Cli): void {
  addDetachKeys(command.usage('[OPTIONS] CONTAINER [CONTAINER...]').argument('<containers...>'))
    .option('-a, --attach', 'Attach STDOUT/STDERR and forward signals')
    .option('-i, --interactive', "Attach container's STDIN")
    .action(async (names: string[], flags: StartFlags) => {
      const { attach: isAttached, interactive = false, detachKeys } = flags
      if (isAttached !== true && !interactive) {
        await forEach(cli, names, (container) => container.start())
        return
      }
      const [name, ...others] = names
      if (others.length > 0) throw usageError('you cannot start and attach multiple containers at once')
      cli.exit(await attachTo(cli, name!, { start: true, stdin: interactive, detachKeys }))
    })
}

/** Joins our streams with a container's until it has ended. @returns Its exit code. */
export async function attachTo(
  cli: Cli,
  name: string,
  {
    start,
    stdin,
    detachKeys,
    sigProxy = true,
  }: {
    readonly start: boolean
    readonly stdin: boolean
    readonly detachKeys: string | undefined
    readonly sigProxy?: boolean
  },
): Promise<number> {
  await using backend = await cli.backend()
  const container = backend.container(name)
  const { Config } = (await container.inspect()) as { readonly Config?: { readonly Tty?: boolean } }
  checkTerminal(stdin, Config?.Tty ?? false)
  try {
    const program = await container.attach({ start, stdin, size: terminalSize(), detachKeys })
    return await attach(program, { interactive: stdin, sigProxy })
  } catch (error) {
    throw runFailure(error, 1)
  }
}
