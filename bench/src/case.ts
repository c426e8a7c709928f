import type { PeerName, Peers } from './peers.js'
import { summarize, type Summary } from './statistics.js'
import type { TimingShell } from './timing-shell.js'
import type { Workshop } from './workshop.js'

/** What a case works with. */
export interface Bench {
  readonly peers: Peers
  readonly workshop: Workshop
  /** A shell of this machine, for programs of ours. */
  readonly shell: TimingShell
  /** Few iterations. */
  readonly quick: boolean
  /** Idle containers in the memory case. */
  readonly containers: number
  readonly signal: AbortSignal
}

/** Figures of one subject of a case. */
export interface Figure extends Summary {
  /** `ctr`, a peer, or something else that ours is compared with. */
  readonly name: string
}

/** What ours may come to: a part of another figure, or a figure in the unit of the case. */
export type Target = { readonly of: string; readonly factor: number } | { readonly atMost: number }

/** What a case has found. */
export interface CaseResult {
  readonly unit: 'ms' | 'KiB' | 'MB/s'
  /** Ours, then the others'. */
  readonly figures: readonly Figure[]
  readonly target?: Target | undefined
  /** Something else that must hold for the target to be met. */
  readonly holds?: boolean | undefined
  /** What one must know to read the figures. */
  readonly notes?: readonly string[] | undefined
  /** Further figures, for the JSON. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** Something that is measured. */
export interface BenchCase {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  /** Those that take part where they are there. */
  readonly peers: readonly PeerName[]
  /** Programs of this machine without which the case is left out. */
  readonly programs?: readonly string[] | undefined
  measure(bench: Bench): Promise<CaseResult>
}

/** Samples by name as figures, in the order in which they are. */
export function figuresOf(samples: ReadonlyMap<string, readonly number[]>): Figure[] {
  return [...samples].map(([name, times]) => ({ name, ...summarize(times) }))
}

/** Ours as a part of what the target names; undefined when that was not measured. */
export function ratioOf({ figures, target }: CaseResult): number | undefined {
  if (target === undefined || 'atMost' in target) return undefined
  const other = figures.find(({ name }) => name === target.of)
  return other === undefined ? undefined : figures[0]!.median / other.median
}

/** Whether the target is met; undefined where there is none, or nothing to compare with. */
export function isMet(result: CaseResult): boolean | undefined {
  const { target, figures, holds = true } = result
  if (target === undefined) return undefined
  if ('atMost' in target) return figures[0]!.median <= target.atMost && holds
  const ratio = ratioOf(result)
  return ratio === undefined ? undefined : ratio <= target.factor && holds
}
