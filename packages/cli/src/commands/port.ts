import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'
import { printLine } from '../output/pipe-end.js'

interface Inspected {
  readonly NetworkSettings?: {
    readonly Ports?: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
    >
  }
}

/** `ctrjs port`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('CONTAINER [PRIVATE_PORT[/PROTO]]')
    .argument('<container>')
    .argument('[port]')
    .action(async (name: string, wanted: string | undefined) => {
      await using backend = await cli.backend()
      const { NetworkSettings } = (await backend.container(name).inspect()) as Inspected
      const all = Object.entries(NetworkSettings?.Ports ?? {}).flatMap(([port, bindings]) =>
        (bindings ?? []).map(({ HostIp, HostPort }) => ({
          port,
          at: `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`,
        })),
      )
      if (wanted === undefined) for (const { port, at } of all) printLine(`${port} -> ${at}`)
      else {
        const asked = wanted.includes('/') ? wanted : `${wanted}/tcp`
        const found = all.filter(({ port }) => port === asked)
        if (found.length === 0)
          throw new CliError('ERR_CLI_USAGE', `no public port '${asked}' published for ${name}`)
        for (const { at } of found) printLine(at)
      }
    })
}
