import { readFileSync } from 'node:fs'

/** What this process may do and hand on, as numbers of capabilities; see capabilities(7). */
export interface OwnCapabilities {
  readonly effective: ReadonlySet<number>
  readonly permitted: ReadonlySet<number>
  readonly bounding: ReadonlySet<number>
}

/** The last answer, by the lines that it was read from: they hardly ever change. */
let last: { readonly lines: string; readonly capabilities: OwnCapabilities } | undefined

/** Capabilities of this process. */
export function ownCapabilities(): OwnCapabilities {
  const status = readFileSync('/proc/self/status', 'latin1')
  const begin = status.indexOf('\nCapInh:')
  const lines = status.slice(begin, status.indexOf('\nCapAmb:', begin) + 1)
  if (last?.lines !== lines) last = { lines, capabilities: parse(lines) }
  return last.capabilities
}

function parse(lines: string): OwnCapabilities {
  const set = (name: string): ReadonlySet<number> => {
    const mask = BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(lines)?.[1] ?? '0'}`)
    return new Set(Array.from({ length: 64 }, (_, number) => number).filter((n) => (mask >> BigInt(n)) & 1n))
  }
  return { effective: set('CapEff'), permitted: set('CapPrm'), bounding: set('CapBnd') }
}
