import type { Command } from 'commander'
import { onEndSignal } from '../attach/signals.js'
import { collect, type Cli } from '../cli.js'
import { messageOf } from '../errors.js'
import { parsePairs } from '../options/parse-pairs.js'
import { printError, printLine } from '../output/pipe-end.js'

interface DaemonFlags {
  readonly host?: readonly string[]
  readonly logDriver?: string
  readonly logOpt?: readonly string[]
}

/** `ctrjs daemon`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option(
      '-H, --host <address>',
      'where clients reach it: unix:///path.sock; may be given several times',
      collect,
    )
    .option('--log-driver <name>', 'how output of containers is kept by default (default "json-file")')
    .option('--log-opt <name=value>', 'an option of that; may be given several times', collect)
    .action(async (flags: DaemonFlags) => {
      await serve(cli, flags)
    })
}

/** Serves until a signal asks us to end. Containers go on. */
async function serve(cli: Cli, { host: hosts, logDriver, logOpt }: DaemonFlags): Promise<void> {
  const { root, state, insecureRegistry } = cli.globals()
  const { Engine } = await cli.loadEngine()
  const onError = (error: unknown): void => printError(`ctrjs: ${messageOf(error)}`)
  // a mistake in the answer to one client must not end the daemon for all others
  process.on('uncaughtException', onError)
  process.on('unhandledRejection', onError)
  const ended = new Promise<void>((resolve) => {
    onEndSignal(() => resolve())
  })
  const engine = await Engine.start({
    root,
    state,
    hosts,
    log: { driver: logDriver, options: parsePairs(logOpt ?? [], '--log-opt', { needsValue: true }) },
    onError,
    registries: { insecure: insecureRegistry },
  })
  for (const host of engine.hosts) printLine(`API listen on ${host}`)
  await ended
  await engine.close()
}
