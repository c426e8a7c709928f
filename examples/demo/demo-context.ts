import type { Report } from './report.js'

/** What the demo works with. */
export interface DemoContext {
  readonly report: Report
  /** Temporary folder for everything; goes at the end. */
  readonly folder: string
  /** Aborts on Ctrl+C; what was begun is taken down then. */
  readonly signal: AbortSignal
}
