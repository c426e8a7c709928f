import type { Command } from 'commander'
import { exitCodeOfSignal, interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { collect } from '../options/collect.js'
import { needsDaemon } from '../errors.js'
import { parseFilters } from '../options/parse-filters.js'
import { parseTime } from '../options/parse-time.js'

interface EventsFlags {
  readonly filter?: readonly string[]
  readonly format?: string
  readonly since?: string
  readonly until?: string
}

/** `ctrjs events`: of a daemon, which sees all that happens. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS]')
    .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
    .option('--format <string>', 'Format output using "json" or a template')
    .option(
      '--since <string>',
      'Show all events created since timestamp (2026-01-02T13:23:37Z) or relative (42m for 42 minutes)',
    )
    .option('--until <string>', 'Stream events until this timestamp')
    .action(async ({ filter = [], format, since, until }: EventsFlags) => {
      const host = cli.daemon()
      if (host === undefined) throw needsDaemon('tell of events')
      const { printEvents } = await import('../backend/remote/events.js')
      using interrupt = interruptible()
      try {
        await printEvents(host, {
          filters: parseFilters(filter),
          format,
          since: since === undefined ? undefined : parseTime(since, '--since'),
          until: until === undefined ? undefined : parseTime(until, '--until'),
          signal: interrupt.signal,
        })
      } catch (error) {
        const by = interrupt.by()
        if (by === undefined) throw error
        cli.exit(exitCodeOfSignal(by))
      }
    })
}
