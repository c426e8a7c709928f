import type { Command } from 'commander'
import type { RegistriesConfig } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import type { Backend } from './backend/backend.js'

/** Options that stand before the command. */
export interface Globals {
  readonly host?: string | undefined
  readonly root?: string | undefined
  readonly state?: string | undefined
  readonly usernsRemap?: string | undefined
  readonly insecureRegistry?: readonly string[] | undefined
  readonly registryMirror?: readonly string[] | undefined
  readonly registriesConf?: string | undefined
}

/** How a command wants to reach the one registry that it speaks to. */
export interface OwnReach {
  /** As in a reference, `docker.io` or `h.example:5000`. */
  readonly registry: string
  readonly tlsVerify?: boolean | undefined
  /** Folder with `*.crt`, and `*.cert` with `*.key`. */
  readonly certDir?: string | undefined
}

/** Loads the engine, which brings a web server that one command needs. */
export type LoadEngine = () => Promise<typeof import('@ctr/engine')>

/** What commands have of the program around them. */
export interface Cli {
  readonly globals: () => Globals
  /** How registries are reached, and whose images are taken. */
  registries(own?: OwnReach): Promise<RegistriesConfig>
  /**
   * Opens the runtime that the global options name. Loaded only now: many commands need none.
   *
   * @throws `CliError` `ERR_CLI_NEEDS_RUNTIME`: a daemon is named, and what asks for this has no form for one.
   */
  open(): Promise<Runtime>
  /** The daemon that the global options or `DOCKER_HOST` name; undefined for none. */
  daemon(): string | undefined
  /** That daemon, else the runtime of this machine. */
  backend(): Promise<Backend>
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
