import type { Command } from 'commander'
import type { Container } from '@ctr/runtime'
import type { Cli } from '../cli.js'
import { exitCodeOf, portsText, stateOf, statusText } from '../output/container-status.js'
import { formatAgo } from '../output/humanize.js'
import { printJson, printLine } from '../output/pipe-end.js'
import { shortId } from '../output/short-id.js'
import { formatTable } from '../output/table.js'

interface PsFlags {
  readonly all?: true
  readonly quiet?: true
  readonly trunc: boolean
  readonly json?: true
}

/** `ctrjs ps`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('-a, --all', 'Show all containers (default shows just running)')
    .option('--json', 'Print a JSON array')
    .option('--no-trunc', "Don't truncate output")
    .option('-q, --quiet', 'Only display container IDs')
    .action(async (flags: PsFlags) => {
      await using runtime = await cli.open()
      const containers = runtime
        .containers()
        .filter((container) => flags.all === true || container.inspect().status === 'running')
        .reverse()
      if (flags.json === true) printJson(containers.map(toJson))
      else if (flags.quiet === true)
        for (const { id } of containers) printLine(flags.trunc ? shortId(id) : id)
      else printLine(toTable(containers, flags.trunc))
    })
}

function toTable(containers: readonly Container[], truncate: boolean): string {
  const rows = containers.map((container) => {
    const { id, image, rootfs, command, createdAt, name } = container.inspect()
    const words = command.join(' ').replace(/\p{Cc}/gu, '?')
    const shown = truncate && words.length > 20 ? `${words.slice(0, 19)}…` : words
    const source = image ?? rootfs ?? ''
    return [
      truncate ? shortId(id) : id,
      source,
      `"${shown}"`,
      formatAgo(createdAt),
      statusText(container),
      portsText(container),
      name,
    ]
  })
  return formatTable(['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'], rows)
}

function toJson(container: Container): unknown {
  const { id, name, image, imageId, rootfs, command, createdAt, pid, labels, network, exit } =
    container.inspect()
  const isRunning = container.inspect().status === 'running'
  return {
    id,
    name,
    image,
    imageId,
    rootfs,
    command,
    createdAt,
    state: stateOf(container),
    status: statusText(container),
    pid: isRunning ? pid : null,
    exitCode: exitCodeOf(container),
    oomKilled: exit?.oomKilled ?? false,
    finishedAt: exit?.finishedAt ?? null,
    network: network.mode,
    address: isRunning ? network.address : null,
    ports: isRunning ? network.ports : [],
    labels,
  }
}
