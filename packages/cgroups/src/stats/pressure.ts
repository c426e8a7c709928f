import { endOfLine } from './whole-number.js'

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
  const found: { some?: PressureFigures; full?: PressureFigures } = {}
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start)
    const kind = text.startsWith('some ', start)
      ? 'some'
      : text.startsWith('full ', start)
        ? 'full'
        : undefined
    if (kind !== undefined) found[kind] = figuresAt(text, start, end)
    start = end + 1
  }
  return found.some && { some: found.some, full: found.full }
}

function figuresAt(text: string, start: number, end: number): PressureFigures {
  const figure = (key: string): number => {
    const at = text.indexOf(key, start)
    if (at < 0 || at >= end) return 0
    const space = text.indexOf(' ', at)
    return Number(text.slice(at + key.length, space < 0 || space > end ? end : space))
  }
  return {
    avg10: figure('avg10='),
    avg60: figure('avg60='),
    avg300: figure('avg300='),
    totalUsec: figure('total='),
  }
}
