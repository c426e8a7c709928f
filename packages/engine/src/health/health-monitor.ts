import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from '@ctr/runtime'
import type { ContainerDocument } from '../state/container-document.js'
import { healthCheckOf, type HealthCheck } from './health-check.js'
import { withResult, type HealthState, type HealthStatus, type ProbeResult } from './health-state.js'
import { runProbe } from './probe.js'
import type { ProbeNote } from './probe-note.js'

/** What is watched, and who is told. */
export interface Watched {
  readonly document: ContainerDocument
  readonly note: ProbeNote
  /** The container of the run that is going on. */
  readonly handle: () => Container
  /** Milliseconds since its start, by a clock that nobody sets. */
  readonly ranMs: () => number
  readonly emit: (action: string, attributes?: Readonly<Record<string, string>>) => void
  readonly save: () => void
  /** A probe has ended. */
  readonly probed: (isWell: boolean) => void
  readonly onError: (error: unknown) => void
}

/** Looks after a container's health while it runs: one probe at a time, the next one a while after its end. */
export class HealthMonitor {
  readonly #watched: Watched
  readonly #check: HealthCheck | undefined
  #watch: { readonly abort: AbortController; readonly done: Promise<void> } | undefined

  constructor(watched: Watched) {
    this.#watched = watched
    const { healthcheck, shell } = watched.document
    this.#check = healthCheckOf(healthcheck, shell ?? undefined)
  }

  /** Docker's words; `none` of a container without a check. */
  get status(): HealthStatus | 'none' {
    return this.#check === undefined ? 'none' : (this.#state?.status ?? 'starting')
  }

  /** As the API shows it; undefined of a container without a check. */
  get shown(): Readonly<Record<string, unknown>> | undefined {
    if (this.#check === undefined) return undefined
    const { failingStreak, log } = this.#state ?? started
    return { Status: this.status, FailingStreak: failingStreak, Log: log }
  }

  /** Its program has begun. */
  begin(): void {
    if (this.#check === undefined) return
    this.#watched.document.health = { ...started, log: this.#state?.log ?? [] }
    this.#start(this.#check)
  }

  /** It goes on: after a pause, or with a new daemon. */
  resume(): void {
    if (this.#check === undefined) return
    this.#watched.note.endLeftBehind()
    this.#start(this.#check)
  }

  /** No more probes for now. The one that runs is ended. */
  rest(): void {
    this.#watch?.abort.abort()
  }

  /** Its program has ended: as Docker, what does not run is not well. */
  end(): void {
    this.rest()
    this.#watched.note.remove()
    if (this.#state !== null) this.#watched.document.health = { ...this.#state, status: 'unhealthy' }
  }

  get #state(): HealthState | null {
    return this.#watched.document.health
  }

  #start(check: HealthCheck): void {
    const before = this.#watch
    before?.abort.abort()
    const abort = new AbortController()
    const done = (before?.done ?? Promise.resolve())
      .then(() => this.#probeOn(check, abort.signal))
      .catch((error: unknown) => this.#watched.onError(error))
    this.#watch = { abort, done }
  }

  async #probeOn(check: HealthCheck, signal: AbortSignal): Promise<void> {
    while (await waits(this.#delay(check), signal)) {
      const inStartPeriod = this.#watched.ranMs() < check.startPeriodMs
      const result = await this.#probe(check, signal)
      // killed together with its container, which begins to end a moment after it
      if (wasCutOff(result)) await waits(Math.min(check.intervalMs, togetherMs), signal)
      // a container that ends says nothing of its health, and its end is told of only when all is tidied up
      if (signal.aborted || !this.#watched.handle().isAlive) return
      this.#take(result, { retries: check.retries, inStartPeriod })
    }
  }

  async #probe(check: HealthCheck, signal: AbortSignal): Promise<ProbeResult> {
    const { emit, note } = this.#watched
    const execID = randomBytes(32).toString('hex')
    const words = check.command.join(' ')
    emit(`exec_create: ${words}`, { execID })
    try {
      const result = await runProbe(this.#watched.handle(), check, {
        signal,
        started: ({ pid }) => {
          note.write(pid)
          emit(`exec_start: ${words}`, { execID })
        },
      })
      emit('exec_die', { execID, exitCode: String(result.ExitCode) })
      return result
    } finally {
      note.remove()
    }
  }

  #take(result: ProbeResult, rules: Parameters<typeof withResult>[2]): void {
    const before = this.#state ?? started
    const after = withResult(before, result, rules)
    const { document, emit, save, probed } = this.#watched
    document.health = after
    probed(result.ExitCode === 0)
    const isNews = before.status !== after.status
    // the log alone is not worth a write to disk a probe
    if (isNews || before.failingStreak !== after.failingStreak) save()
    if (isNews) emit(`health_status: ${after.status}`)
  }

  #delay({ intervalMs, startPeriodMs, startIntervalMs }: HealthCheck): number {
    const starts = this.status === 'starting' && this.#watched.ranMs() < startPeriodMs
    return starts ? startIntervalMs : intervalMs
  }
}

const started: HealthState = { status: 'starting', failingStreak: 0, log: [] }

/** How far apart the ends of processes may be that are killed in one go, as for want of memory. */
const togetherMs = 1000

/** Whether a probe was killed, or could not be started: as happens when the container ends. */
function wasCutOff({ ExitCode }: ProbeResult): boolean {
  return ExitCode === -1 || ExitCode === 128 + constants.signals.SIGKILL
}

/** The longest that a timer of Node can be. */
const longestMs = 2 ** 31 - 1

/** Resolves after a time, with false when `signal` aborts before. */
async function waits(ms: number, signal: AbortSignal): Promise<boolean> {
  return await sleep(Math.min(ms, longestMs), true, { signal }).catch(() => false)
}
