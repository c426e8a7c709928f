import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { onEndSignal } from '../attach/signals.js'
import { collect, type Cli } from '../cli.js'
import { messageOf, usageError } from '../errors.js'
import { parseInteger } from '../options/parse-number.js'
import { printError, printLine } from '../output/pipe-end.js'

interface ServeFlags {
  readonly root?: string
  readonly host: string
  readonly port: string
  readonly user?: readonly string[]
  readonly users?: string
}

/** `ctrjs registry`. */
export function define(command: Command, _cli: Cli): void {
  command.usage('COMMAND').addCommand(
    new Command('serve')
      .description('Serve a registry of images until interrupted')
      .usage('[OPTIONS]')
      .option('--root <folder>', 'Folder of its content (default a temporary one)')
      .option('--host <address>', 'Address to listen on', '127.0.0.1')
      .option('--port <int>', 'Port to listen on; 0 for a free one', '5000')
      .option(
        '--user <name:password>',
        'Who may use it, by basic authentication; others can read this in the list of processes',
        collect,
      )
      .option('--users <file>', 'File of NAME:PASSWORD lines: who may use it')
      .action(async (flags: ServeFlags) => {
        await serve(flags)
      }),
  )
}

async function serve({ root, host, port, user = [], users }: ServeFlags): Promise<void> {
  const { RegistryServer } = await import('@ctr/registry')
  const accounts = [
    ...user,
    ...(users === undefined ? [] : readFileSync(users, 'utf8').split('\n').filter(Boolean)),
  ].map(parseUser)
  const ended = new Promise<void>((resolve) => {
    onEndSignal(() => resolve())
  })
  await using server = await RegistryServer.start({
    root,
    host,
    port: parseInteger(port, '--port'),
    ...(accounts.length === 0 ? {} : { users: accounts }),
    onError: (error) => printError(`ctrjs: ${messageOf(error)}`),
  })
  printLine(`registry listening on ${server.address}`)
  await ended
}

function parseUser(text: string): { readonly username: string; readonly password: string } {
  const at = text.indexOf(':')
  if (at < 1) throw usageError('invalid user: NAME:PASSWORD is needed')
  return { username: text.slice(0, at), password: text.slice(at + 1) }
}
