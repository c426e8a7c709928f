import { readFileSync } from 'node:fs'
import { ownerName } from '../../state/owner-name.js'
import type { Host } from './columns.js'
import type { PsFormat } from './parse-ps-options.js'
import type { ProcessInfo } from './process-info.js'

/** Processes as lines of a table, as wide as what is in them. */
export function processTable(
  processes: readonly ProcessInfo[],
  { columns, titles }: PsFormat,
  host: Host,
): string {
  const rows = [
    ...(titles ? [columns.map(({ title }) => title)] : []),
    ...processes.map((process) => columns.map(({ value }) => value(process, host))),
  ]
  const widths = columns.map(({ width = 0 }, n) => Math.max(width, ...rows.map((row) => row[n]!.length)))
  return rows
    .map((row) => {
      const cells = row.map((cell, n) => {
        if (columns[n]!.align === 'right') return cell.padStart(widths[n]!)
        return n === columns.length - 1 ? cell : cell.padEnd(widths[n]!)
      })
      return `${cells.join(' ')}\n`
    })
    .join('')
}

/** What this host says about itself. */
export function readHost(): Host {
  const names = new Map<number, string>()
  return {
    userName(uid) {
      const name = names.get(uid) ?? ownerName(uid).replace(/^#/, '')
      names.set(uid, name)
      return name
    },
    now: Date.now(),
    bootTime: numberIn('/proc/stat', /^btime (\d+)$/m) * 1000,
    memory: numberIn('/proc/meminfo', /^MemTotal:\s+(\d+) kB$/m),
  }
}

function numberIn(path: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? 0)
}
