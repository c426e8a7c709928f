import { createHash } from 'node:crypto'
import { closeSync, lstatSync, mkdirSync, openSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { defaultCgroupDriver, detectHierarchy, type CgroupDriver, type Hierarchy } from '@ctr/cgroups'
import { isNetbridgeError, Networks, type Network } from '@ctr/netbridge'
import type { FoundStrategy, LayerStore, VolumeStore } from '@ctr/overlay'
import { CgroupParents } from './container/cgroup-parents.js'
import { ContainerRecords } from './container/records.js'
import { LoopTurns } from './loop-turns.js'
import { OneAtATime } from './container/one-at-a-time.js'
import { KeptRoots } from './container/kept-roots.js'
import { WarmRoots } from './container/warm-roots.js'
import { ExecRecords } from './execs/exec-records.js'
import { Host } from './host.js'
import type { Images } from './images/images.js'
import { ContainerNames } from './networks/container-names.js'
import { DEFAULT_NETWORK } from './networks/default-network.js'
import { livingOwners, Owner } from './owner.js'
import { delegatedGroup } from './rootless/delegated-group.js'
import type { Rootless } from './rootless/rootless.js'
import { findUserNetwork, type FoundUserNetwork } from './rootless/user-network.js'
import { KeptTerminals } from './terminals/kept-terminals.js'
import type { UserNamespaceOption } from './userns/option.js'

/** Where a runtime keeps its things. */
export interface Folders {
  /** What survives a reboot: images, layers, volumes, containers. */
  readonly root: string
  /** What does not: locks, pinned processes, networks. */
  readonly state: string
}

/** What all parts of one runtime share. */
export class Context {
  readonly folders: Folders
  /** Name of this instance among others of the host: of its cgroup, its bridge, its nftables table. */
  readonly instance: string
  readonly records: ContainerRecords
  readonly layers: LayerStore
  readonly volumes: VolumeStore
  /** Set for an ordinary user. */
  readonly rootless: Rootless | undefined
  readonly host = new Host()
  readonly hierarchy: Hierarchy = detectHierarchy()
  /** Who makes the cgroups of containers. */
  readonly cgroupDriver: CgroupDriver
  /** The user namespace of containers that root starts, where they ask for no other. */
  readonly userNamespace: UserNamespaceOption
  /** Why roots are not made by overlays, where they are not by themselves. */
  readonly storageReason: string | undefined
  readonly owner: Owner
  /** Who serves names to containers. */
  readonly names: ContainerNames
  /** Programs of `exec` that outlive this process. */
  readonly execs: ExecRecords
  /** Terminals of containers, and of such programs, that outlive this process. */
  readonly terminals: KeptTerminals
  /** Starts of containers, and copies into them. */
  readonly changing = new OneAtATime()
  /** Pieces of work that keep the thread. */
  readonly turns = new LoopTurns()
  /** Cgroups of containers that lie elsewhere. */
  readonly cgroupParents: CgroupParents
  /** Roots that no container has, or one that ends with this process. */
  readonly roots: WarmRoots
  /** Roots of containers that outlive this process. */
  readonly keptRoots: KeptRoots
  /** Empty folder that root file systems are mounted on, each in its own mount namespace. */
  readonly mountpoint: string
  /** Folder with everything that containers are mounted on, below their images: most images lack some of it. */
  readonly mountpoints: string
  /** Set by the runtime once the stores are open. */
  images!: Images
  #networks: Networks | undefined
  #userNetwork: FoundUserNetwork | undefined
  readonly #groups: string | undefined
  #closed = false

  constructor(
    folders: Folders,
    { layers, volumes }: { readonly layers: LayerStore; readonly volumes: VolumeStore },
    {
      rootless,
      cgroupDriver,
      userNamespace = 'host',
      storage,
    }: {
      readonly rootless?: Rootless | undefined
      readonly cgroupDriver?: CgroupDriver | undefined
      readonly userNamespace?: UserNamespaceOption | undefined
      readonly storage?: FoundStrategy | undefined
    } = {},
  ) {
    this.folders = folders
    this.rootless = rootless
    this.userNamespace = userNamespace
    this.storageReason = storage?.reason
    this.cgroupDriver = cgroupDriver ?? defaultCgroupDriver(this.hierarchy)
    this.instance = instanceName(folders.root)
    this.layers = layers
    this.volumes = volumes
    this.records = new ContainerRecords(join(folders.root, 'containers'))
    this.mountpoint = join(folders.state, 'root')
    this.#groups = rootless === undefined ? '/' : delegatedGroup(this.hierarchy)
    for (const folder of [this.mountpoint, this.pins, this.owners, this.networkPrograms])
      mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.owner = new Owner(this.owners)
    this.cgroupParents = new CgroupParents(join(folders.state, 'cgroup-parents'))
    this.names = new ContainerNames((name) => this.network(name))
    this.execs = new ExecRecords(join(folders.state, 'execs'))
    this.terminals = new KeptTerminals(join(folders.state, 'terminals'), {
      bootId: () => this.host.bootId,
      groups: () => groupsOfNoUnit(this.hierarchy),
      known: () => {
        const { claims } = livingOwners(this.owners) // first: one that is settled meanwhile has a record
        return (id) => claims.has(id) || this.records.has(id) || this.execs.has(id)
      },
    })
    this.mountpoints = join(folders.root, 'mountpoints')
    makeMountpoints(this.mountpoints)
    this.roots = new WarmRoots(layers, this.owner.name, this.mountpoints)
    this.keptRoots = new KeptRoots(layers, this.roots)
  }

  /** Folder of the pinned processes of detached containers. */
  get pins(): string {
    return join(this.folders.state, 'containers')
  }

  /** Folder of the owners' locks. */
  get owners(): string {
    return join(this.folders.state, 'owners')
  }

  /** Folder of notes about the programs that connect networks of an ordinary user's containers. */
  get networkPrograms(): string {
    return join(this.folders.state, 'network-programs')
  }

  /** Whether containers have cgroups: those of an ordinary user only where some are delegated to it. */
  get hasCgroups(): boolean {
    return this.#groups !== undefined
  }

  /** Path of a container's cgroup that we make, below each hierarchy. */
  cgroupPath(id: string): string {
    return join(this.cgroupParents.get(id) ?? this.groupPath, id)
  }

  /** Path of the cgroup that all of this instance's lie in, but for those with a parent of their own. */
  get groupPath(): string {
    return join(this.#groups ?? '/', this.instance)
  }

  /**
   * Whether device access can be limited by rules (a controller of v1, a program of v2), or only by not letting device
   * nodes work at all.
   */
  get hasDeviceRules(): boolean {
    const { controllers, mode } = this.hierarchy
    return this.rootless === undefined && (controllers.has('devices') || mode === 'v2')
  }

  /** What connects containers of an ordinary user to the network. */
  get userNetwork(): FoundUserNetwork {
    return (this.#userNetwork ??= findUserNetwork())
  }

  /** The networks of this runtime. Root's only. */
  get networks(): Networks {
    return (this.#networks ??= Networks.open({
      root: join(this.folders.root, 'networks'),
      state: join(this.folders.state, 'net'),
      instance: this.instance,
    }))
  }

  /** A network by name. The one that is always there, `bridge`, is made when it is first needed. */
  async network(name: string): Promise<Network> {
    if (name !== DEFAULT_NETWORK) return await this.networks.get(name)
    try {
      return await this.networks.get(name)
    } catch (error) {
      if (!isNetbridgeError(error) || error.code !== 'ERR_NETBRIDGE_NOT_FOUND') throw error
    }
    try {
      return await this.networks.create({ name, bridge: `${this.instance}0` })
    } catch (error) {
      // another process, or another start, has made it meanwhile
      if (isNetbridgeError(error) && error.code === 'ERR_NETBRIDGE_EXISTS' && this.networks.has(name))
        return await this.networks.get(name)
      throw error
    }
  }

  /** Takes a container that has ended, or ends now, off all its networks: the links go with its namespace. */
  async leaveNetworks(id: string): Promise<void> {
    if (this.#closed || this.rootless !== undefined) return
    for (const { network } of this.networks.endpointsOf(id))
      (await this.networks.get(network)).endpoint(id)?.detach({ leaveLink: true })
  }

  /** Closes what is open; what is on disk and in the kernel stays. */
  async close(): Promise<void> {
    this.#closed = true
    this.records.close()
    this.terminals.close()
    await this.names.close()
    await this.#networks?.close()
    await this.keptRoots.close()
    await this.roots[Symbol.asyncDispose]()
    this.owner[Symbol.dispose]()
    this.rootless?.[Symbol.dispose]()
  }
}

/** The topmost groups where systemd has its units: what is in there is not ended with any of them. */
function groupsOfNoUnit({ mounts }: Hierarchy): string[] {
  return mounts
    .filter(({ version, name }) => version === 2 || name === 'systemd')
    .map(({ mountpoint }) => join(mountpoint, 'cgroup.procs'))
}

/** And what Docker has in every container: programs look at `/.dockerenv` to know that they are in one. */
function makeMountpoints(folder: string): void {
  for (const name of ['dev', 'etc', 'proc', 'sys'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o755 })
  for (const name of ['etc/hostname', 'etc/hosts', 'etc/resolv.conf', '.dockerenv'])
    closeSync(openSync(join(folder, name), 'a', 0o644))
  const mtab = join(folder, 'etc/mtab')
  if (lstatSync(mtab, { throwIfNoEntry: false }) === undefined) symlinkSync('/proc/mounts', mtab)
}

/** `ctrjs` for the default folder, and a name of its own for every other. Short enough for a bridge's name. */
function instanceName(root: string): string {
  if (root === '/var/lib/ctrjs') return 'ctrjs'
  return `ctr${createHash('sha256').update(root).digest('hex').slice(0, 8)}`
}
