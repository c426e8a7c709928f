import { Command } from 'commander'
import type { RegistriesConfig } from '@ctr/registry'
import { onEndSignal } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { messageOf } from '../errors.js'
import { parseDuration } from '../options/parse-duration.js'
import { addServeFlags, readServeFlags, type ServeFlags } from '../options/serve-flags.js'
import { printError, printLine } from '../output/pipe-end.js'

/** `ctrjs registry`. */
export function define(command: Command, cli: Cli): void {
  const serving = new Command('serve')
    .description('Serve a registry of images until interrupted')
    .usage('[OPTIONS]')
    .action(async (flags: ServeFlags) => {
      await serve(flags, (await cli.registries()).client)
    })
  command.usage('COMMAND').addCommand(addServeFlags(serving))
}

/** Serves until the first signal that asks us to end; the second one does not wait for requests. */
async function serve(flags: ServeFlags, client: RegistriesConfig['client']): Promise<void> {
  const options = readServeFlags(flags, client)
  const graceMs = parseDuration(flags.stopTimeout, '--stop-timeout')
  const { RegistryServer } = await import('@ctr/registry')
  const again = new AbortController()
  let isEnding = false
  const ended = new Promise<void>((resolve) => {
    onEndSignal(() => {
      if (isEnding) again.abort()
      isEnding = true
      resolve()
    })
  })
  const server = await RegistryServer.start({
    ...options,
    onError: (error) => printError(`ctrjs: ${messageOf(error)}`),
  })
  printLine(`registry listening on ${server.address}`)
  await ended
  await server.close({ graceMs, signal: again.signal })
}
