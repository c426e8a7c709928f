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

/**
 * Adds to a report what an earlier run, as {@link toJson} has it, measured besides.
 *
 * @param names - All cases, in the order of the table.
 * @throws Error if that run was on another machine or with another Node.js
 */
export function joinEarlier(report: BenchReport, json: string, names: readonly string[]): BenchReport {
  const earlier = JSON.parse(json) as {
    readonly machine: Machine
    readonly peers: BenchReport['peers']
    readonly cases: readonly (CaseResult & { readonly name: string; readonly title: string })[]
  }
  const { date: then, ...before } = earlier.machine
  const { date: now, ...machine } = report.machine
  if (JSON.stringify(before) !== JSON.stringify(machine)) {
    throw new Error(`cannot join runs of two machines: ${JSON.stringify([earlier.machine, report.machine])}`)
  }
  const cases = earlier.cases
    .filter(({ name }) => !report.cases.some((one) => one.name === name))
    .map(({ name, title, ...result }) => ({ name, title, result }))
  const place = ({ name }: MeasuredCase): number => names.indexOf(name)
  return {
    machine: { ...machine, date: then === now ? now : `${then}, ${now}` },
    peers: { ...earlier.peers, ...report.peers },
    missing: report.missing,
    cases: [...report.cases, ...cases].sort((a, b) => place(a) - place(b)),
  }
}

/** Three digits that count. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return value.toPrecision(3)
}
