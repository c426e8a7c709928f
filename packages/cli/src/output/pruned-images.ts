import type { PrunedImages } from '@ctr/runtime'
import { formatSize } from './humanize.js'
import { printLine } from './pipe-end.js'

/** Tells which images, blobs and layers are gone, as Docker does. */
export function printPruned({ untagged, blobs, layers }: PrunedImages): void {
  const lines = [
    ...untagged.map((name) => `untagged: ${name}`),
    ...[...blobs, ...layers].map((digest) => `deleted: ${digest}`),
  ]
  if (lines.length > 0) printLine(['Deleted Images:', ...lines, ''].join('\n'))
}

/** The last line of what a prune tells. */
export function reclaimed(bytes: number): string {
  return `Total reclaimed space: ${formatSize(bytes)}`
}
