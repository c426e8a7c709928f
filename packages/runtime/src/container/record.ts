import type { CapabilitySets, IdMaps, User } from '@ctr/namespaces'
import type { PublishedPort } from '@ctr/netbridge'
import type { ProcessLimit } from '../sandbox/sandbox-options.js'
import type { SeccompProfile } from '../security/seccomp-profile.js'
import type { ContainerMount } from './container-mount.js'
import type { ContainerVolume } from './container-volume.js'
import type { KeptOptions } from './kept-options.js'
import type { NetworkMode, WantedAddresses } from './network-option.js'
import type { GivenConfig } from './run-config.js'

/** A container's place on a network of the runtime. */
export interface ContainerNetwork {
  /** Name of the network. */
  readonly name: string
  /** Names by which others of the network find it, beside its own and its id. */
  readonly aliases: readonly string[]
  /** Names of this container's own for others of the network. */
  readonly links?: Readonly<Record<string, string>> | undefined
  /** What was asked for. */
  readonly wanted: WantedAddresses
  /** Name of its interface inside. */
  readonly interface: string
  /** The name that was asked for. */
  readonly wantedInterface?: string | undefined
  /** Of several networks that with the highest is the way out; 0 where it is not there. */
  readonly gatewayPriority?: number | undefined
  /** IPv4 address; null before it has started. */
  readonly address: string | null
  /** IPv6 address, where the network has IPv6. */
  readonly ipv6: string | null
  /** Hardware address. */
  readonly mac: string | null
}

/** How a container's program ended. */
export interface ContainerExit {
  /** Exit code; null when a signal ended it, or when nobody was there to see it. */
  readonly exitCode: number | null
  /** Number of the signal; null when it exited by itself. */
  readonly signal: number | null
  /** A process of the container was killed because it had reached its memory limit. */
  readonly oomKilled: boolean
  /** When, in ISO 8601; null when nobody saw it. */
  readonly finishedAt: string | null
}

/** A container as it is kept on disk: what it was made from, and what it is now. */
export interface ContainerRecord {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** The image as it was asked for; null when the root file system is a folder. */
  readonly image: string | null
  /** Digest of the image's config; null when the root file system is a folder. */
  readonly imageId: string | null
  /** Folder that the root file system is, or stands on. */
  readonly rootfs: string | null
  /** Name of its copy-on-write root in the layer store; null when it works in `rootfs` itself. */
  readonly rootId: string | null
  /** Program and arguments. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly user: User
  readonly capabilities: CapabilitySets
  readonly noNewPrivileges: boolean
  readonly seccomp: 'default' | 'unconfined' | SeccompProfile
  /** AppArmor profile of its programs; without one it is that of whoever started it. */
  readonly apparmorProfile?: string | undefined
  readonly rlimits: readonly ProcessLimit[]
  readonly oomScoreAdj: number | null
  /** Its processes are among the host's or another container's: what it has begun does not end with its first one. */
  readonly sharesProcesses: boolean
  /** The ids of its user namespace; null in that of the host, and for an ordinary user's, which are all alike. */
  readonly userNamespace: Pick<IdMaps, 'uid' | 'gid'> | null
  readonly hostname: string
  readonly volumes: readonly ContainerVolume[]
  /** What is mounted in it besides, those volumes among it, in this order. */
  readonly mounts: readonly ContainerMount[]
  /** Its root cannot be written to. */
  readonly readOnlyRoot: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly terminal: boolean
  /** Outlives the process that made it. */
  readonly detached: boolean
  /** Is removed when it has ended. */
  readonly autoRemove: boolean
  /** Signal that `stop()` sends, by number. */
  readonly stopSignal: number
  readonly network: {
    readonly mode: NetworkMode
    /** The IPv4 address on the first of its networks. */
    readonly address: string | null
    /** The networks that it is on, in the mode `'bridge'`; in the order that they were given in. */
    readonly networks: readonly ContainerNetwork[]
    /** Id of the container whose network it shares, in the mode `'container'`. */
    readonly container: string | null
    readonly ports: readonly PublishedPort[]
    /** Why it has none any more, in words for a person; null as long as it has. */
    readonly failure: string | null
  }
  readonly limits: {
    readonly memory: number | null
    readonly cpus: number | null
    readonly pids: number | null
  }
  /** What it was told to be other than its image. */
  readonly given: GivenConfig
  /** When it was made, in ISO 8601. */
  readonly createdAt: string
  readonly status: 'created' | 'running' | 'exited'
  /** What it is started with, again and again; null when it is not started more than once. */
  readonly options: KeptOptions | null
  /** Process id on the host. */
  readonly pid: number | null
  /** When its program began, in clock ticks since boot: tells the process from a later one of the same id. */
  readonly startTicks: string | null
  /** The boot that it was started in (`/proc/sys/kernel/random/boot_id`). */
  readonly bootId: string
  /** Name of the owner's lock: the process that made it. */
  readonly owner: string
  readonly exit: ContainerExit | null
}
