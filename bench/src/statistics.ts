/** What samples come to. */
export interface Summary {
  readonly median: number
  readonly p10: number
  readonly p90: number
  /** How many there were. */
  readonly count: number
}

/** Median and outer tenths, interpolated between neighbours. At least one sample is needed. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
    count: sorted.length,
  }
}

/** The value below which a part of the sorted samples lies. */
function quantile(sorted: readonly number[], part: number): number {
  const position = (sorted.length - 1) * part
  const below = sorted[Math.floor(position)]
  const above = sorted[Math.ceil(position)]
  if (below === undefined || above === undefined) throw new Error('cannot summarize: there are no samples')
  return below + (above - below) * (position - Math.floor(position))
}
