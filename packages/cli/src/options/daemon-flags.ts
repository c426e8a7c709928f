import type { Command } from 'commander'
import { collect } from './collect.js'
import { needsDaemon } from '../errors.js'

type List = readonly string[]

/** The flags of `run` and `create` that ask for something that goes on after the command, as they were typed. */
export interface DaemonFlags {
  readonly healthCmd?: string
  readonly healthInterval?: string
  readonly healthRetries?: string
  readonly healthStartPeriod?: string
  readonly healthTimeout?: string
  /** False for `--no-healthcheck`. */
  readonly healthcheck: boolean
  readonly logDriver?: string
  readonly logOpt?: List
  readonly restart?: string
}

const names = {
  healthCmd: '--health-cmd',
  healthInterval: '--health-interval',
  healthRetries: '--health-retries',
  healthStartPeriod: '--health-start-period',
  healthTimeout: '--health-timeout',
  logDriver: '--log-driver',
  logOpt: '--log-opt',
} as const

/** Adds these flags to a command. */
export function addDaemonFlags(command: Command): void {
  command
    .option('--health-cmd <string>', 'Command to run to check health (of a daemon)')
    .option('--health-interval <duration>', 'Time between running the check (of a daemon)')
    .option('--health-retries <int>', 'Consecutive failures needed to report unhealthy (of a daemon)')
    .option('--health-start-period <duration>', 'Time in which failures do not count (of a daemon)')
    .option('--health-timeout <duration>', 'Maximum time to allow one check to run (of a daemon)')
    .option('--log-driver <string>', 'Logging driver for the container (of a daemon)')
    .option('--log-opt <list>', 'Log driver options (of a daemon)', collect)
    .option('--no-healthcheck', 'Disable any container-specified HEALTHCHECK')
    .option('--restart <string>', 'Restart policy to apply when a container exits (of a daemon)')
}

/**
 * Refuses them where there is no daemon.
 *
 * @throws `CliError` `ERR_CLI_NEEDS_DAEMON`.
 */
export function refuseDaemonFlags(flags: DaemonFlags): void {
  if (flags.restart !== undefined && flags.restart !== 'no')
    throw needsDaemon(`restart a container by itself (--restart ${flags.restart})`)
  const given = Object.entries(names).find(([name]) => flags[name as keyof typeof names] !== undefined)
  if (given !== undefined) throw needsDaemon(`serve ${given[1]}`)
}
