import type { Command } from 'commander'
import { attach } from '../attach/attach.js'
import { checkTerminal, terminalSize } from '../attach/terminal.js'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { addDetachKeys, type JoinFlags } from '../options/join-flags.js'
import { readEnvironment } from '../options/parse-env.js'
import { runFailure } from './run-failure.js'

interface ExecFlags extends Pick<JoinFlags, 'detachKeys'> {
  readonly detach?: true
  readonly env?: readonly string[]
  readonly envFile?: readonly string[]
  readonly interactive?: true
  readonly privileged?: true
  readonly tty?: true
  readonly user?: string
  readonly workdir?: string
}

/** `ctrjs exec`. */
export function define(command: Command, cli: Cli): void {
  addDetachKeys(
    command.usage('[OPTIONS] CONTAINER COMMAND [ARG...]').argument('<container>').argument('<command...>'),
  )
    .option('-d, --detach', 'Detached mode: run command in the background')
    .option('-e, --env <list>', 'Set environment variables', collect)
    .option('--env-file <list>', 'Read in a file of environment variables', collect)
    .option('-i, --interactive', 'Keep STDIN open')
    .option('--privileged', 'Give extended privileges to the command')
    .option('-t, --tty', 'Allocate a pseudo-TTY')
    .option('-u, --user <string>', 'Username or UID (format: <name|uid>[:<group|gid>])')
    .option('-w, --workdir <string>', 'Working directory inside the container')
    .action(async (name: string, args: string[], flags: ExecFlags) => {
      cli.exit(await execute(cli, name, args, flags))
    })
}

async function execute(
  cli: Cli,
  name: string,
  command: readonly string[],
  flags: ExecFlags,
): Promise<number> {
  const { detach = false, interactive = false, tty = false, privileged = false, user, workdir } = flags
  if (!detach) checkTerminal(interactive, tty)
  await using backend = await cli.backend()
  const container = backend.container(name)
  try {
    const program = await container.exec({
      command,
      env: readEnvironment(flags.envFile ?? [], flags.env ?? []),
      ...{ cwd: workdir, user, privileged, tty, detach, stdin: interactive, size: terminalSize() },
      detachKeys: flags.detachKeys,
    })
    return program === undefined ? 0 : await attach(program, { interactive })
  } catch (error) {
    throw runFailure(error, 1)
  }
}
