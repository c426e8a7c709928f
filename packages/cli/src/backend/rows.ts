/** A container as lists show it. */
export interface ContainerRow {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly imageId: string
  readonly command: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Docker's word for what it is doing. */
  readonly state: string
  /** That in words for a person. */
  readonly status: string
  readonly ports: string
  readonly labels: Readonly<Record<string, string>>
  readonly networks: readonly string[]
  readonly volumes: readonly string[]
  readonly exitCode: number | null
  /** What its files take; undefined where nobody has asked for it. */
  readonly size?: ContainerSize | undefined
  /** For `--json`. */
  readonly document: unknown
}

/** Bytes that the files of a container take. */
export interface ContainerSize {
  /** Of those that it has written. */
  readonly written: number
  /** Of these and its image's. */
  readonly total: number
}

/** An image as lists show it. */
export interface ImageRow {
  readonly id: string
  /** Repository and tag of each of its names; `<none>` for one without. */
  readonly names: readonly { readonly repository: string; readonly tag: string }[]
  readonly digests: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** Milliseconds since 1970; undefined when it is not known. */
  readonly createdAt: number | undefined
  readonly size: number
  readonly document: unknown
}

/** A network as lists show it. */
export interface NetworkRow {
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly scope: string
  readonly labels: Readonly<Record<string, string>>
  readonly document: unknown
}

/** A volume as lists show it. */
export interface VolumeRow {
  readonly name: string
  readonly driver: string
  readonly labels: Readonly<Record<string, string>>
  /** Containers that have it; undefined where a daemon does not tell. */
  readonly users: number | undefined
  readonly document: unknown
}

/** What a container uses. */
export interface Usage {
  readonly id: string
  readonly name: string
  /** Processor time used, in hundredths of one processor. */
  readonly cpuPercent: number
  /** Bytes that are really needed, without page cache not used lately. */
  readonly memoryUsed: number | undefined
  /** Undefined for none. */
  readonly memoryLimit: number | undefined
  /** Received and sent on all networks; undefined where its network is the host's. */
  readonly network: readonly [number, number] | undefined
  /** Read and written. */
  readonly blocks: readonly [number, number] | undefined
  readonly pids: number | undefined
  readonly document: unknown
}

/** A step of how an image was made. */
export interface HistoryRow {
  /** Undefined where that is not known, as of what is below the top of a pulled image. */
  readonly id: string | undefined
  /** Milliseconds since 1970; undefined when it is not known. */
  readonly createdAt: number | undefined
  readonly createdBy: string
  readonly size: number
  readonly comment: string
}

/** What some things take on disk. */
export interface DiskSum {
  readonly total: number
  /** Those that something uses. */
  readonly active: number
  /** Bytes; undefined where nobody has counted them. */
  readonly size: number | undefined
  /** Bytes of those that nothing uses. */
  readonly reclaimable: number | undefined
}

/** Each thing that takes room on disk. */
export interface DiskDetails {
  readonly images: readonly (ImageRow & {
    /** Bytes of layers that other images have, too. */
    readonly shared: number
    /** Containers that are made from it. */
    readonly containers: number
  })[]
  readonly containers: readonly ContainerRow[]
  readonly volumes: readonly { readonly name: string; readonly links: number; readonly size: number }[]
}

/** What everything takes on disk. */
export interface DiskUsage {
  readonly images: DiskSum
  readonly containers: DiskSum
  readonly volumes: DiskSum
}
