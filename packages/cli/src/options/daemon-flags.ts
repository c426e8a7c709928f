import type { Command } from 'commander'
import { collect } from './collect.js'
import { needsDaemon, usageError } from '../errors.js'

type List = readonly string[]

/** The flags of `run` and `create` that ask for something that goes on after the command, as they were typed. */
export interface DaemonFlags {
  readonly annotation?: List
  readonly detachKeys?: string
  readonly expose?: List
  readonly healthCmd?: string
  readonly healthInterval?: string
  readonly healthRetries?: string
  readonly healthStartInterval?: string
  readonly healthStartPeriod?: string
  readonly healthTimeout?: string
  /** False for `--no-healthcheck`. */
  readonly healthcheck: boolean
  readonly isolation?: string
  readonly link?: List
  readonly logDriver?: string
  readonly logOpt?: List
  readonly oomKillDisable?: true
  readonly publishAll?: true
  readonly restart?: string
  readonly runtime?: string
  readonly stopTimeout?: string
  readonly volumeDriver?: string
  readonly volumesFrom?: List
}

/** Flags by which a daemon may be asked for another way to do things, and the words for the one that is here. */
const choices = {
  isolation: { flag: '--isolation', here: ['default'] },
  runtime: { flag: '--runtime', here: ['ctr', 'runc'] },
  volumeDriver: { flag: '--volume-driver', here: ['local'] },
} as const

const names = {
  annotation: '--annotation',
  detachKeys: '--detach-keys',
  expose: '--expose',
  healthCmd: '--health-cmd',
  healthInterval: '--health-interval',
  healthRetries: '--health-retries',
  healthStartInterval: '--health-start-interval',
  healthStartPeriod: '--health-start-period',
  healthTimeout: '--health-timeout',
  link: '--link',
  logDriver: '--log-driver',
  logOpt: '--log-opt',
  oomKillDisable: '--oom-kill-disable',
  publishAll: '-P, --publish-all',
  stopTimeout: '--stop-timeout',
  volumesFrom: '--volumes-from',
} as const

/** Adds these flags to a command. */
export function addDaemonFlags(command: Command): void {
  command
    .option('--annotation <list>', 'Add an annotation to the container (of a daemon)', collect)
    .option('--expose <list>', 'Expose a port or a range of ports (of a daemon)', collect)
    .option('--health-cmd <string>', 'Command to run to check health (of a daemon)')
    .option('--health-interval <duration>', 'Time between running the check (of a daemon)')
    .option('--health-retries <int>', 'Consecutive failures needed to report unhealthy (of a daemon)')
    .option('--health-start-interval <duration>', 'Time between checks during the start period (of a daemon)')
    .option('--health-start-period <duration>', 'Time in which failures do not count (of a daemon)')
    .option('--health-timeout <duration>', 'Maximum time to allow one check to run (of a daemon)')
    .option('--isolation <string>', 'Container isolation technology: default (of a daemon, what that has)')
    .option('--link <list>', 'Add link to another container, as NAME[:ALIAS] (of a daemon)', collect)
    .option('--log-driver <string>', 'Logging driver for the container (of a daemon)')
    .option('--log-opt <list>', 'Log driver options (of a daemon)', collect)
    .option('--no-healthcheck', 'Disable any container-specified HEALTHCHECK')
    .option('--oom-kill-disable', 'Disable OOM Killer, with cgroup v1 (of a daemon)')
    .option('-P, --publish-all', 'Publish all exposed ports to random ports (of a daemon)')
    .option('--restart <string>', 'Restart policy to apply when a container exits (of a daemon)')
    .option('--runtime <string>', 'Runtime to use for this container: ctr, runc (of a daemon, what that has)')
    .option('--stop-timeout <int>', 'Seconds to stop the container in before it is killed (of a daemon)')
    .option('--volume-driver <string>', 'Volume driver: local (of a daemon, what that has)')
    .option('--volumes-from <list>', 'Mount volumes of other containers, as NAME[:ro] (of a daemon)', collect)
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
  for (const [name, { flag, here }] of Object.entries(choices)) {
    const asked = flags[name as keyof typeof choices]
    if (asked !== undefined && !(here as readonly string[]).includes(asked))
      throw usageError(
        `invalid argument "${asked}" for ${flag}: ${here.join(', ')} are there without a daemon`,
      )
  }
}
