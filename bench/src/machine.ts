import { cpus, release, totalmem } from 'node:os'

/** What the figures were made on. */
export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  /** Day, in ISO 8601. */
  readonly date: string
}

/** Describes this machine. */
export function describeMachine(): Machine {
  const all = cpus()
  return {
    processor: all[0]?.model.trim() ?? process.arch,
    processors: all.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 10),
  }
}
