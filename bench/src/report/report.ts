import { isMet, ratioOf, type CaseResult, type Target } from '../case.js'
import type { Machine } from '../machine.js'

/** A case and what came of it. */
export interface MeasuredCase {
  readonly name: string
  readonly title: string
  readonly result: CaseResult
}

/** A whole run. */
export interface BenchReport {
  readonly machine: Machine
  /** First line of `--version`, by name of the peer. */
  readonly peers: Readonly<Record<string, string>>
  readonly missing: readonly string[]
  readonly cases: readonly MeasuredCase[]
}

/** Heads of {@link cells}. */
export const head = ['case', 'ctr', 'others', 'ratio', 'target', 'met'] as const

/** One row of the table. */
export function cells({ title, result }: MeasuredCase): readonly string[] {
  const { figures, unit, target } = result
  const [ours, ...others] = figures
  const ratio = ratioOf(result)
  const met = isMet(result)
  return [
    title,
    `${number(ours!.median)} ${unit}`,
    others.map(({ name, median }) => `${name} ${number(median)}`).join(', '),
    ratio === undefined ? '' : ratio.toFixed(2),
    target === undefined ? '' : targetText(target, unit),
    met === undefined ? '' : met ? 'yes' : 'no',
  ]
}

function targetText(target: Target, unit: string): string {
  return 'atMost' in target ? `≤ ${target.atMost} ${unit}` : `≤ ${target.factor} x ${target.of}`
}

/** The run as JSON: figures, and what the table says of them. */
export function toJson(report: BenchReport): string {
  const cases = report.cases.map(({ name, title, result }) => ({
    name,
    title,
    ...result,
    ratio: ratioOf(result),
    met: isMet(result),
  }))
  return JSON.stringify({ ...report, cases }, null, 2)
}

/** Three digits that count. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return value.toPrecision(3)
}
