import type { ContainerRow } from '../backend/rows.js'
import { formatSize } from './humanize.js'

/** What a container has written, and what all its files take; empty where nobody has asked for it. */
export function sizeText({ size }: ContainerRow): string {
  return size === undefined ? '' : `${formatSize(size.written)} (virtual ${formatSize(size.total)})`
}
