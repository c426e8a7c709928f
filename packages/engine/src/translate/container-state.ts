import type { ManagedContainer } from '../containers/managed-container.js'

const never = '0001-01-01T00:00:00Z'

/** `State` of an inspected container. */
export function stateOf(container: ManagedContainer): Record<string, unknown> {
  const { status, document, handle, health } = container
  const { startedAt, finishedAt, exitCode, oomKilled, error } = document
  return {
    Status: status,
    Running: status === 'running' || status === 'paused',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: oomKilled,
    Dead: false,
    Pid: handle.pid ?? 0,
    ExitCode: exitCode,
    Error: error,
    StartedAt: startedAt ?? never,
    FinishedAt: finishedAt ?? never,
    Health: health.shown,
  }
}

const healthText = { starting: 'health: starting', healthy: 'healthy', unhealthy: 'unhealthy' } as const

/** The column STATUS of `docker ps`. */
export function statusText(container: ManagedContainer, now = Date.now()): string {
  const { status, document, health } = container
  const { startedAt, finishedAt, exitCode } = document
  const since = (time: string | null): string => duration(now - Date.parse(time ?? ''))
  switch (status) {
    case 'running':
      return `Up ${since(startedAt)}${health.status === 'none' ? '' : ` (${healthText[health.status]})`}`
    case 'paused':
      return `Up ${since(startedAt)} (Paused)`
    case 'restarting':
      return `Restarting (${exitCode}) ${since(finishedAt)} ago`
    case 'exited':
      return `Exited (${exitCode}) ${since(finishedAt)} ago`
    case 'removing':
      return 'Removal In Progress'
    case 'created':
      return 'Created'
  }
}

const steps = [
  [60, 'second'],
  [60, 'minute'],
  [48, 'hour'],
  [14, 'day'],
  [9, 'week'],
  [24, 'month'],
] as const
const seconds = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800, month: 2_592_000 } as const

/** A duration in one unit, in Docker's words. */
export function duration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000))
  if (total < 1) return 'Less than a second'
  for (const [most, unit] of steps) {
    const count = Math.floor(total / seconds[unit])
    if (count >= most) continue
    if (count === 1 && unit === 'minute') return 'About a minute'
    if (count === 1 && unit === 'hour') return 'About an hour'
    return `${count} ${unit}${count === 1 ? '' : 's'}`
  }
  return `${Math.floor(total / 31_536_000)} years`
}
