import { once } from 'node:events'
import type { Command } from 'commander'
import { isReadable } from '@ctr/start'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { LogRequest } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { usageError } from '../errors.js'
import { parseTime } from '../options/parse-time.js'

interface LogsFlags {
  readonly details?: boolean
  readonly follow?: boolean
  readonly since?: string
  readonly tail: string
  readonly timestamps?: boolean
  readonly until?: string
}

/** `ctrjs logs`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] CONTAINER')
    .argument('<container>')
    .option('--details', 'Show extra details provided to logs (of a daemon)')
    .option('-f, --follow', 'Follow log output')
    .option(
      '--since <string>',
      'Show logs since timestamp (2026-01-02T13:23:37Z) or relative (42m for 42 minutes) (of a daemon)',
    )
    .option(
      '-n, --tail <string>',
      'Number of lines to show from the end of the logs, without a daemon of each stream',
      'all',
    )
    .option('-t, --timestamps', 'Show timestamps (of a daemon)')
    .option('--until <string>', 'Show logs before a timestamp or relative (of a daemon)')
    .action(async (name: string, flags: LogsFlags) => {
      const request = requestOf(flags)
      using interrupt = interruptible()
      await using backend = await cli.backend()
      try {
        const { signal } = interrupt
        for await (const { stream, bytes } of backend.container(name).logs({ ...request, signal })) {
          const sink = stream === 'stdout' ? process.stdout : process.stderr
          if (!isReadable(sink)) return
          if (!sink.write(bytes)) await once(sink, 'drain', { signal })
        }
      } catch (error) {
        const signal = interrupt.by()
        if (signal !== undefined) cli.exit(exitCodeOfSignal(signal))
        else if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      }
    })
}

function requestOf(flags: LogsFlags): Omit<LogRequest, 'signal'> {
  const { details = false, follow = false, timestamps = false, since, until, tail } = flags
  return {
    ...{ details, follow, timestamps },
    since: since === undefined ? undefined : parseTime(since, '--since'),
    until: until === undefined ? undefined : parseTime(until, '--until'),
    tail: parseTail(tail),
  }
}

/** Undefined for all, which a number below 0 stands for, too. */
function parseTail(text: string): number | undefined {
  if (text === 'all' || /^-\d+$/.test(text)) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw usageError(`invalid argument "${text}" for -n, --tail: a number or all is needed`)
}
