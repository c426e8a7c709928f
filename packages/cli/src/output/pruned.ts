import type { Pruned } from '../backend/backend.js'
import { formatSize } from './humanize.js'
import { printLine } from './pipe-end.js'

/** Tells what is gone, as Docker does: each thing on a line, and how much room there is now where that was counted. */
export function printPruned(title: string, { removed, bytes }: Pruned): void {
  printRemoved(title, removed)
  if (bytes !== undefined) printReclaimed(bytes)
}

/** What is gone, behind a title. */
export function printRemoved(title: string, removed: readonly string[]): void {
  if (removed.length > 0) printLine([title, ...removed, ''].join('\n'))
}

/** The last line of what a prune tells. */
export function printReclaimed(bytes: number): void {
  printLine(`Total reclaimed space: ${formatSize(bytes)}`)
}
