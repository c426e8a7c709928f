import type { Command } from 'commander'
import type { Runtime } from '@ctr/runtime'

/** Options that stand before the command. */
export interface Globals {
  readonly root?: string | undefined
  readonly state?: string | undefined
  readonly usernsRemap?: string | undefined
  readonly insecureRegistry: readonly string[]
}

/** Loads the engine, which brings a web server that one command needs. */
export type LoadEngine = () => Promise<typeof import('@ctr/engine')>

/** What commands have of the program around them. */
export interface Cli {
  readonly globals: () => Globals
  /** Opens the runtime that the global options name. Loaded only now: many commands need none. */
  open(): Promise<Runtime>
  readonly loadEngine: LoadEngine
  /** Sets the exit code of the process. */
  exit(code: number): void
}

/** A command: its name and summary are always known, the rest is loaded when it is called. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Among the commands that `--help` names first. */
  readonly common?: boolean
  readonly load: () => Promise<{ readonly define: (command: Command, cli: Cli) => void }>
}

/** Collects the values of an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}
