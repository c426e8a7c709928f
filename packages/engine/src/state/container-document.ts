import type { Healthcheck } from '@ctr/registry'
import type { HealthState } from '../health/health-state.js'
import type { CreateBody } from '../http/schemas/create-container.js'

/** What the engine keeps about a container besides the runtime's own record, which says whether it runs. */
export interface ContainerDocument {
  readonly id: string
  /** Without the slash that Docker shows before it. */
  name: string
  /** In ISO 8601, as all times here. */
  readonly created: string
  /** What it was created with, and its limits and restart policy of now. */
  body: CreateBody
  /** Digest of the image's config. */
  readonly imageId: string
  /** Null before the first start. */
  startedAt: string | null
  /** Null before the first end. */
  finishedAt: string | null
  /** The last run whose end was noted. */
  endedRun: string | null
  exitCode: number
  oomKilled: boolean
  /** Why the last start failed. */
  error: string
  /** Starts by its restart policy since somebody started it. */
  restartCount: number
  /** Somebody has stopped it: its restart policy rests. */
  stopped: boolean
  /** How to see whether it works: its own and its image's word. */
  readonly healthcheck: Healthcheck | null
  /** What runs a check that is a command for a shell, where the image says so. */
  readonly shell: readonly string[] | null
  /** Null before the first start, and without a check. */
  health: HealthState | null
}
