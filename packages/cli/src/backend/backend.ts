import type { ContainerLimits, LogEntry, NetworkOptions, TerminalSize } from '@ctr/runtime'
import type { Attached } from '../attach/attach.js'
import type { ContainerRow, ImageRow, NetworkRow, Usage, VolumeRow } from './rows.js'
import type { ShownPull } from '../output/shown-pull.js'
import type { CreateRequest } from './create-request.js'

/** Values of `--filter` by their names. */
export type Filters = Readonly<Record<string, readonly string[]>>

/** Where commands find containers: the runtime of this machine, or a daemon. */
export interface Backend extends AsyncDisposable {
  /** A container by id, beginning of an id, or name. */
  container(name: string): BackendContainer
  /** Makes a container without starting it. @returns Its id. */
  create(request: CreateRequest): Promise<string>
  /** Containers, newest first. @param all - Those that do not run, too. */
  containers(options: { readonly all: boolean; readonly filters: Filters }): Promise<readonly ContainerRow[]>
  /** Pulls an image and shows how. @returns Its name in full. */
  pull(image: string, shown: ShownPull): Promise<string>
  /** Whether an image has to be pulled first. */
  isMissingImage(error: unknown): boolean
  readonly images: BackendImages
  readonly networks: BackendNetworks
  readonly volumes: BackendVolumes
}

/** A container. */
export interface BackendContainer {
  start(): Promise<void>
  /** @param timeoutSeconds - Until it is killed; -1 for never. */
  stop(timeoutSeconds?: number): Promise<void>
  restart(timeoutSeconds?: number): Promise<void>
  kill(signal: string): Promise<void>
  pause(): Promise<void>
  unpause(): Promise<void>
  rename(name: string): Promise<void>
  /** @param limits - Those that change. */
  update(limits: ContainerLimits, restart: string | undefined): Promise<void>
  remove(options: { readonly force: boolean; readonly volumes: boolean }): Promise<void>
  /** Resolves when it does not run (any more). @returns Its exit code; null when nobody saw it. */
  wait(): Promise<number | null>
  /** Docker's document of it. */
  inspect(): Promise<unknown>
  /** @param options - Of ps(1). */
  top(options: readonly string[]): Promise<ProcessTable>
  usage(): Promise<Usage>
  logs(options: LogRequest): AsyncIterable<LogEntry>
  /** Its streams from now on. */
  attach(options: AttachRequest): Promise<Attached>
  exec(request: ExecRequest): Promise<Attached | undefined>
}

/** Processes as ps(1) shows them. */
export interface ProcessTable {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface LogRequest {
  readonly follow: boolean
  readonly signal: AbortSignal
}

export interface AttachRequest {
  /** Start it, once nothing of what it prints can be missed. */
  readonly start: boolean
  readonly stdin: boolean
  /** Size of our terminal, where there is one. */
  readonly size: TerminalSize | undefined
}

/** A program to run in a container. */
export interface ExecRequest {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | undefined
  readonly user: string | undefined
  readonly privileged: boolean
  readonly stdin: boolean
  readonly tty: boolean
  readonly size: TerminalSize | undefined
  /** Nothing of it comes back: the result is undefined. */
  readonly detach: boolean
}

export interface BackendImages {
  /** Newest first. */
  list(filters: Filters): Promise<readonly ImageRow[]>
  inspect(name: string): Promise<unknown>
  tag(source: string, target: string): Promise<void>
  /** @returns What was done, a line each. */
  remove(name: string): Promise<readonly string[]>
}

export interface BackendNetworks {
  list(): Promise<readonly NetworkRow[]>
  /** @returns Its id. */
  create(options: NetworkOptions): Promise<string>
  inspect(name: string): Promise<unknown>
  remove(name: string): Promise<void>
}

export interface BackendVolumes {
  list(): Promise<readonly VolumeRow[]>
  /** @returns Its name. */
  create(name: string | undefined, labels: Readonly<Record<string, string>>): Promise<string>
  inspect(name: string): Promise<unknown>
  remove(name: string, force: boolean): Promise<void>
}
