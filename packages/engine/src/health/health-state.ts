/** Docker's words for how a container is. */
export type HealthStatus = 'starting' | 'healthy' | 'unhealthy'

/** What a probe has found. Member names are the API's. */
export interface ProbeResult {
  /** In ISO 8601. */
  readonly Start: string
  readonly End: string
  /** 0 is well; -1 of a probe that was ended, or could not be started. */
  readonly ExitCode: number
  /** The first 4096 bytes of what it has printed. */
  readonly Output: string
}

/** How a container is, as its document keeps it. */
export interface HealthState {
  readonly status: HealthStatus
  /** Failures since the last success. */
  readonly failingStreak: number
  /** The last five, oldest first. */
  readonly log: readonly ProbeResult[]
}

const keptResults = 5

/** The state after one more result. */
export function withResult(
  { status, failingStreak, log }: HealthState,
  result: ProbeResult,
  { retries, inStartPeriod }: { readonly retries: number; readonly inStartPeriod: boolean },
): HealthState {
  const kept = [...log, result].slice(-keptResults)
  if (result.ExitCode === 0) return { status: 'healthy', failingStreak: 0, log: kept }
  // one that has been well once is past its start
  if (status === 'starting' && inStartPeriod) return { status, failingStreak, log: kept }
  const streak = failingStreak + 1
  return { status: streak >= retries ? 'unhealthy' : status, failingStreak: streak, log: kept }
}
