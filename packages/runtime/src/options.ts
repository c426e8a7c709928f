import type { PortMapping } from '@ctr/netbridge'
import type { StorageLimit } from '@ctr/overlay'
import type { NetworkOption } from './container/network-option.js'
import type { SandboxOptions } from './sandbox/sandbox-options.js'
import type { SeccompProfile } from './security/seccomp-profile.js'
import type { TerminalSize } from './setup/terminal-stream.js'
import type { UserNamespaceOption } from './userns/option.js'
import type { Volume } from './volume-options.js'

/**
 * A standard stream of a container: a stream on the handle, our own, `/dev/null`, a file that `logs()` reads,
 * or a descriptor of ours.
 */
export type ContainerStdio = 'pipe' | 'inherit' | 'ignore' | 'log' | number

/** What to run, in what, and how far it may go. Everything is optional but one of `image` and `rootfs`. */
export interface RunOptions extends SandboxOptions {
  /** An image that was pulled: `busybox`, `127.0.0.1:5000/team/app:1.2`, or by digest. */
  readonly image?: string | undefined
  /** What the image must be for: `os/architecture[/variant]`. Default: of several, this machine's. */
  readonly platform?: string | undefined
  /**
   * A folder as root file system instead of an image, used as it is; what the container writes stays there.
   * `'/'` is a copy-on-write sandbox of the host: see `overlay`.
   */
  readonly rootfs?: string | undefined
  /** Run on a copy-on-write layer over `rootfs` instead of in it. Default: only for `'/'`. */
  readonly overlay?: boolean | undefined
  /** Name, unique among the runtime's containers. Default: the first 12 digits of the id. */
  readonly name?: string | undefined
  /** Program and arguments; replaces the image's `CMD`. */
  readonly command?: readonly string[] | undefined
  /** Replaces the image's `ENTRYPOINT`, which stands before `command`; an empty list takes it away. */
  readonly entrypoint?: readonly string[] | undefined
  /** Environment in addition to the image's. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Names of variables that the program is not to have, though the image sets them, or every container has them. */
  readonly unsetEnv?: readonly string[] | undefined
  /** Working directory; made where it is missing. Default: the image's, else `/`. */
  readonly cwd?: string | undefined
  /** `user`, `uid`, `user:group` or `uid:gid`, looked up in the container. Default: the image's, else root. */
  readonly user?: string | undefined
  /** Host name. Default: the first 12 digits of the id; the host's own on the host network. */
  readonly hostname?: string | undefined
  /**
   * What it is connected to: `'none'`, `'host'`, `'container:NAME'` (the network of another container), a network of
   * `runtime.networks` by name, or several of them with aliases and addresses, of which the first that leads
   * out is the way out, unless `gatewayPriority` says otherwise.
   * Default `'bridge'`. An ordinary user has no bridge: its default is `'pasta'`, else `'slirp4netns'`, by the
   * program of that name, else `'none'`.
   */
  readonly network?: NetworkOption | undefined
  /** Ports of the host that lead to the container. Needs a network with a bridge, or `'pasta'`. */
  readonly publish?: readonly PortMapping[] | undefined
  /** How the container finds names. Default: as the host does. */
  readonly dns?: DnsSettings | undefined
  /**
   * Further lines of its `/etc/hosts`: addresses by name, IPv4 or IPv6, or `'host-gateway'`, the host as the
   * container reaches it (the gateway of its bridge; 127.0.0.1 on the host network).
   */
  readonly extraHosts?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** Hard memory limit in bytes. Default none. */
  readonly memory?: number | undefined
  /** Memory and swap together in bytes. Default: as much swap as the host gives. */
  readonly memorySwap?: number | undefined
  /** Processors, also parts of them: 0.5. Default no limit. */
  readonly cpus?: number | undefined
  /** Weight against other containers, 2 to 262144, the default being 1024. */
  readonly cpuShares?: number | undefined
  /** Processors to run on, as a list: `0-3,7`. */
  readonly cpusetCpus?: string | undefined
  /** Most processes and threads. Default no limit. */
  readonly pids?: number | undefined
  /**
   * The cgroup that its own lies in, as a path from the top of each hierarchy; made where it is missing, and stays. Root's
   * only, and not where systemd makes the cgroups. Default: one of this runtime.
   */
  readonly cgroupParent?: string | undefined
  /**
   * How much it may write to its root file system, volumes apart; of a root that is a copy, how much that may hold at
   * all. Needs root, and project quotas of the file system: ext4 or xfs, mounted with `prjquota`. Default no limit.
   */
  readonly storage?: StorageLimit | undefined
  /** Folders and files of the host. */
  readonly volumes?: readonly Volume[] | undefined
  /** The root file system cannot be written to. Default false. */
  readonly readOnly?: boolean | undefined
  /** Capabilities in addition to Docker's default ones, `'ALL'` for every one. */
  readonly capAdd?: readonly string[] | undefined
  /** Capabilities to take away, `'ALL'` for every one. */
  readonly capDrop?: readonly string[] | undefined
  /** `execve` gives no new privileges (set-uid programs have no effect). Default false. */
  readonly noNewPrivileges?: boolean | undefined
  /**
   * Docker's default filter, none, or a profile of one's own in the form of Docker's files (`parseSeccompProfile()`
   * reads them). Default `'default'`.
   */
  readonly seccomp?: 'default' | 'unconfined' | SeccompProfile | undefined
  /**
   * AppArmor profile that its programs are executed under, as the kernel has it loaded, or `'unconfined'`. Default: that
   * of the caller.
   */
  readonly apparmorProfile?: string | undefined
  /**
   * The user namespace of a container that root starts. Its root is then nobody on the host, and images and
   * `rootfs` are shown with its ids, by idmapped mounts: nothing is changed on disk. Default: that of the runtime,
   * `'host'`.
   */
  readonly userNamespace?: UserNamespaceOption | undefined
  /** Kernel parameters of the container's own namespaces, as `net.ipv4.ip_forward`. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined
  /** Size of `/dev/shm` in bytes. Default 64 MiB. */
  readonly shmSize?: number | undefined
  /** A terminal instead of three streams; `container.terminal` is its other side. */
  readonly terminal?: boolean | TerminalSize | undefined
  /** Default `'ignore'`. */
  readonly stdin?: ContainerStdio | undefined
  /** Default `'inherit'`, of a detached container `'log'`. */
  readonly stdout?: ContainerStdio | undefined
  /** Default `'inherit'`, of a detached container `'log'`. */
  readonly stderr?: ContainerStdio | undefined
  /** The container outlives this process and is found again by `runtime.containers`. Default false. */
  readonly detach?: boolean | undefined
  /** Remove the container when its program has ended. Default false. */
  readonly autoRemove?: boolean | undefined
  /** Signal that `stop()` sends. Default: the image's, else `SIGTERM`. */
  readonly stopSignal?: string | undefined
  /** Free text for whoever lists containers. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Ends the start; a container that has started is killed and removed. */
  readonly signal?: AbortSignal | undefined
}

/** What a container's `/etc/resolv.conf` says (resolv.conf(5)); each list that is given replaces the host's. */
export interface DnsSettings {
  /** Addresses of name servers, IPv4 or IPv6. */
  readonly nameservers?: readonly string[] | undefined
  /** Domains to look short names up in. `['.']` means none. */
  readonly search?: readonly string[] | undefined
  /** Such as `'ndots:0'`. */
  readonly options?: readonly string[] | undefined
}

/** What to make, to be started later, any number of times. */
export interface CreateContainerOptions extends Omit<
  RunOptions,
  'detach' | 'stdin' | 'stdout' | 'stderr' | 'terminal' | 'autoRemove' | 'userNamespace' | 'signal'
> {
  /** 64 hexadecimal digits. Default: random ones. */
  readonly id?: string | undefined
  /** It has a terminal instead of three streams, whenever it runs. */
  readonly terminal?: boolean | undefined
  /**
   * What it writes to its root need not outlive a crash of the machine: nothing of it is synced, whoever asks for it.
   * For containers that are removed at their end. Default false.
   */
  readonly volatile?: boolean | undefined
}

/** The standard streams of a container for one run. */
export interface StartContainerOptions {
  /** Default `'ignore'`. */
  readonly stdin?: 'ignore' | number | undefined
  /** Default `'log'`. */
  readonly stdout?: 'ignore' | 'log' | number | undefined
  /** Default `'log'`. */
  readonly stderr?: 'ignore' | 'log' | number | undefined
  /** Variables of this run in addition to the container's. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Lines of `/etc/hosts` of this run in addition to the container's. */
  readonly extraHosts?: RunOptions['extraHosts']
  /** Size of its terminal, where it has one. Another process comes to the terminal by `container.openTerminal()`. */
  readonly terminalSize?: TerminalSize | undefined
}

/** What to run in a running container. What is not given is as for the container's own program. */
export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  readonly user?: string | undefined
  /** With every capability that the caller has, no seccomp filter and no AppArmor profile. Default: as the container's own program. */
  readonly privileged?: boolean | undefined
  readonly terminal?: boolean | TerminalSize | undefined
  /** Default `'ignore'`. */
  readonly stdin?: 'pipe' | 'inherit' | 'ignore' | number | undefined
  /** Default `'inherit'`. */
  readonly stdout?: 'pipe' | 'inherit' | 'ignore' | number | undefined
  /** Default `'inherit'`. */
  readonly stderr?: 'pipe' | 'inherit' | 'ignore' | number | undefined
  /**
   * It outlives this process, also on a terminal, and does not keep it alive: `container.execs()` finds it, in another
   * process too, until it has ended. One that has pipes and no terminal is found from some milliseconds after its start
   * on, as most have ended by then. Default: it ends with its terminal, and is found by nobody.
   */
  readonly detach?: ExecDetachment | undefined
}

/** What a program is found by that outlives whoever has started it. */
export interface ExecDetachment {
  /** 64 hexadecimal digits that no other one has. */
  readonly id: string
  /** Kept with it for whoever finds it. */
  readonly note?: string | undefined
  /** Told why it is not to be found, or ends with this process all the same: the disk is full, for instance. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** Stands for the address of the host in {@link RunOptions.extraHosts}. */
export const hostGateway = 'host-gateway'

/** True when a folder of the host is the lower part of an overlay, and not worked in. */
export function isCopyOnWrite({ rootfs, overlay }: RunOptions): boolean {
  return overlay ?? rootfs === '/'
}
