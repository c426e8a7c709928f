/**
 * Pressure stall information: for how long processes stood still because something was scarce.
 *
 * @see {@link https://docs.kernel.org/accounting/psi.html}
 */
export interface Pressure {
  /** At least one process stood still. */
  readonly some: PressureFigures
  /** All that were not idle stood still at once; `undefined` where the kernel does not count that. */
  readonly full: PressureFigures | undefined
}

/** Figures of one kind of pressure. */
export interface PressureFigures {
  /** Part of the last 10 seconds, in percent. */
  readonly avg10: number
  /** Part of the last minute, in percent. */
  readonly avg60: number
  /** Part of the last 5 minutes, in percent. */
  readonly avg300: number
  /** In **microseconds**, since the group was made, or the host booted. */
  readonly totalUsec: number
}

/** What can be scarce. */
export type PressureResource = 'cpu' | 'memory' | 'io'

/**
 * Reads a pressure file: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and a line for `full`. Pure.
 *
 * @returns `undefined` when there is nothing in it.
 */
export function parsePressure(text: string | undefined): Pressure | undefined {
  if (text === undefined) return undefined
  const found: Partial<Record<string, PressureFigures>> = {}
  for (const line of text.split('\n')) {
    const [kind, ...pairs] = line.split(' ')
    if (kind !== 'some' && kind !== 'full') continue
    const [avg10, avg60, avg300, total] = pairs.map((pair) => Number(pair.slice(pair.indexOf('=') + 1)))
    found[kind] = { avg10: avg10 ?? 0, avg60: avg60 ?? 0, avg300: avg300 ?? 0, totalUsec: total ?? 0 }
  }
  return found['some'] && { some: found['some'], full: found['full'] }
}
