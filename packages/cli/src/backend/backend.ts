import type { Readable } from 'node:stream'
import type { Change } from '@ctr/overlay'
import type {
  CommitOptions,
  ContainerLimits,
  ImportOptions,
  LogEntry,
  NetworkAttachment,
  TerminalSize,
} from '@ctr/runtime'
import type { Attached } from '../attach/attach.js'
import type { CopySide } from '../copy/copy-side.js'
import type { CreateNetworkFlags } from '../options/parse-network.js'
import type {
  ContainerRow,
  DiskDetails,
  DiskUsage,
  HistoryRow,
  ImageRow,
  NetworkRow,
  Usage,
  VolumeRow,
} from './rows.js'
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
  /** Containers, newest first. */
  containers(options: ListRequest): Promise<readonly ContainerRow[]>
  /** Pulls an image and shows how. @returns Its name in full. */
  pull(image: string, shown: ShownPull): Promise<string>
  /** Removes those that do not run. */
  pruneContainers(filters: Filters): Promise<Pruned>
  /** What all of it takes on disk. */
  diskUsage(): Promise<DiskUsage>
  /** The same thing by thing. */
  diskDetails(): Promise<DiskDetails>
  /** Whether an image has to be pulled first. */
  isMissingImage(error: unknown): boolean
  readonly images: BackendImages
  readonly networks: BackendNetworks
  readonly volumes: BackendVolumes
}

/** Which containers are listed. */
export interface ListRequest {
  /** Those that do not run, too. */
  readonly all: boolean
  readonly filters: Filters
  /** With what their files take, which takes time to count. */
  readonly size?: boolean
}

/** What is gone. */
export interface Pruned {
  /** Ids or names; of images what was done, a line each. */
  readonly removed: readonly string[]
  /** Bytes that are free now; undefined where nobody has counted them. */
  readonly bytes: number | undefined
}

/** A container. */
export interface BackendContainer {
  /** Its files, with those of its volumes. */
  readonly files: CopySide
  start(): Promise<void>
  stop(how: StopRequest): Promise<void>
  restart(how: StopRequest): Promise<void>
  kill(signal: string): Promise<void>
  pause(): Promise<void>
  unpause(): Promise<void>
  rename(name: string): Promise<void>
  /** @param limits - Those that change. */
  update(limits: ContainerLimits, restart: string | undefined): Promise<void>
  remove(options: { readonly force: boolean; readonly volumes: boolean }): Promise<void>
  /** Resolves when it does not run (any more). @returns Its exit code; null when nobody saw it. */
  wait(): Promise<number | null>
  /** Docker's document of it; with what its files take where that is asked for. */
  inspect(options?: { readonly size: boolean }): Promise<unknown>
  /** @param options - Of ps(1). */
  top(options: readonly string[]): Promise<ProcessTable>
  usage(): Promise<Usage>
  logs(options: LogRequest): AsyncIterable<LogEntry>
  /** Its streams from now on. */
  attach(options: AttachRequest): Promise<Attached>
  exec(request: ExecRequest): Promise<Attached | undefined>
  /** What it has changed in its root. */
  changes(): Promise<readonly Change[]>
  /** Makes an image of what it has written. @returns The id of the image. */
  commit(options: CommitOptions): Promise<string>
  /** All its files, as a tar. */
  export(signal: AbortSignal): Promise<Readable>
}

/** Processes as ps(1) shows them. */
export interface ProcessTable {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** How a container is asked to end. */
export interface StopRequest {
  /** Default: its stop signal. */
  readonly signal: string | undefined
  /** Until it is killed; -1 for never. Default 10, or what it was made with. */
  readonly timeoutSeconds: number | undefined
}

export interface LogRequest {
  readonly follow: boolean
  /** So many of the last lines. Default: all. */
  readonly tail: number | undefined
  /** Seconds since 1970. */
  readonly since: string | undefined
  /** Seconds since 1970. */
  readonly until: string | undefined
  /** Each line begins with when it was printed. */
  readonly timestamps: boolean
  /** Attributes that its log options name stand before each line. */
  readonly details: boolean
  readonly signal: AbortSignal
}

export interface AttachRequest {
  /** Start it, once nothing of what it prints can be missed. */
  readonly start: boolean
  readonly stdin: boolean
  /** Size of our terminal, where there is one. */
  readonly size: TerminalSize | undefined
  /** As `--detach-keys` has them. */
  readonly detachKeys: string | undefined
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
  /** As `--detach-keys` has them. */
  readonly detachKeys: string | undefined
}

export interface BackendImages {
  /** Newest first. */
  list(filters: Filters): Promise<readonly ImageRow[]>
  inspect(name: string): Promise<unknown>
  tag(source: string, target: string): Promise<void>
  /** @returns What was done, a line each. */
  remove(name: string, options: RemoveImageRequest): Promise<readonly string[]>
  /**
   * What an image was made by, the newest step first.
   *
   * @param platform - Of an image that is here for several: `OS/ARCHITECTURE[/VARIANT]`.
   */
  history(name: string, platform: string | undefined): Promise<readonly HistoryRow[]>
  /** @param all - Also those with a name that no container is made from. */
  prune(all: boolean, filters: Filters): Promise<Pruned>
  /** Images as a tar. */
  save(names: readonly string[], options: SaveRequest): Promise<Readable>
  /** Images as a new folder that is an OCI layout. */
  saveLayout(names: readonly string[], folder: string, options: Omit<SaveRequest, 'format'>): Promise<void>
  /** @returns What came, a line each. */
  load(archive: Readable, options: LoadRequest): Promise<readonly string[]>
  /** The same of a folder that is an OCI layout. */
  loadLayout(folder: string, options: LoadRequest): Promise<readonly string[]>
  /** Makes an image of a tar, or of what is at a URL. @returns Its id. */
  import(source: Readable | string, options: ImportOptions): Promise<string>
}

export interface RemoveImageRequest {
  /** All names of an image that is named by its id. */
  readonly force: boolean
  /** Of an image that is here with several, these alone, as `OS/ARCHITECTURE[/VARIANT]`; none for all of it. */
  readonly platforms: readonly string[]
}

export interface LoadRequest {
  /** Of images with several, this one alone: `OS/ARCHITECTURE[/VARIANT]`. */
  readonly platform: string | undefined
  readonly signal: AbortSignal
}

export interface SaveRequest {
  readonly format: 'docker' | 'oci'
  readonly platform: string | undefined
  readonly signal: AbortSignal
}

export interface BackendNetworks {
  list(filters: Filters): Promise<readonly NetworkRow[]>
  /** @returns Its id. */
  create(name: string, flags: CreateNetworkFlags): Promise<string>
  inspect(name: string): Promise<unknown>
  /** @param force - Nothing is wrong if it is not there; of an overlay network, also while its store is away. */
  remove(name: string, force: boolean): Promise<void>
  connect(name: string, container: string, place: Omit<NetworkAttachment, 'name'>): Promise<void>
  /** @param force - Also of a container that the daemon no longer knows. */
  disconnect(name: string, container: string, force: boolean): Promise<void>
  /** Removes those that no container is on. @returns Their names. */
  prune(filters: Filters): Promise<readonly string[]>
}

export interface BackendVolumes {
  list(filters: Filters): Promise<readonly VolumeRow[]>
  /** @returns Its name. */
  create(request: CreateVolumeRequest): Promise<string>
  inspect(name: string): Promise<unknown>
  remove(name: string, force: boolean): Promise<void>
  /** Removes those that no container has. @param all - Also those that have a name. */
  prune(all: boolean, filters: Filters): Promise<Pruned>
}

export interface CreateVolumeRequest {
  readonly name: string | undefined
  readonly driver: string
  readonly labels: Readonly<Record<string, string>>
  /** Options of the driver. */
  readonly options: Readonly<Record<string, string>>
}
