import { badRequest } from '../errors.js'
import type { HostConfig } from '../http/schemas/create-container.js'

/** How a run has ended, as far as a restart policy asks. */
export interface EndedRun {
  readonly exitCode: number
  /** Somebody has stopped it. */
  readonly stopped: boolean
  /** Restarts so far. */
  readonly restarts: number
}

/**
 * Refuses a policy that there is not.
 *
 * @throws `ApiError` 400.
 */
export function checkRestartPolicy({ RestartPolicy }: HostConfig): void {
  const { Name, MaximumRetryCount } = RestartPolicy ?? {}
  const name = Name ?? ''
  const most = MaximumRetryCount ?? 0
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(name))
    throw badRequest(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    )
  if (most !== 0 && name !== 'on-failure')
    throw badRequest("invalid restart policy: maximum retry count can only be used with 'on-failure'")
  if (most < 0) throw badRequest('invalid restart policy: maximum retry count cannot be negative')
}

/** Whether the policy of a container wants it started again. */
export function wantsRestart(
  { RestartPolicy }: HostConfig,
  { exitCode, stopped, restarts }: EndedRun,
): boolean {
  if (stopped) return false
  switch (RestartPolicy?.Name ?? '') {
    case 'always':
    case 'unless-stopped':
      return true
    case 'on-failure': {
      const most = RestartPolicy?.MaximumRetryCount ?? 0
      return exitCode !== 0 && (most === 0 || restarts < most)
    }
    default:
      return false
  }
}

/** Whether the daemon starts a container again when it starts itself, as after a boot. */
export function wantsRestartAtBoot({ RestartPolicy }: HostConfig, stopped: boolean): boolean {
  const name = RestartPolicy?.Name ?? ''
  return name === 'always' || (name === 'unless-stopped' && !stopped)
}

const firstMs = 100
const mostMs = 60_000
/** A run that lasted so long counts as good: the next wait is short again. */
const goodMs = 10_000

/** How long to wait before the next start: twice as long each time, from 100 ms to a minute. */
export function nextDelay(beforeMs: number, ranMs: number): number {
  return beforeMs === 0 || ranMs >= goodMs ? firstMs : Math.min(beforeMs * 2, mostMs)
}
