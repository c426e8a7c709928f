import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { arch, cpus, hostname, release, totalmem } from 'node:os'
import { detectHierarchy } from '@ctr/cgroups'
import type { Runtime } from '@ctr/runtime'
import type { Containers } from './containers/containers.js'
import { engineVersion } from './engine-version.js'
import { hostLimits, type HostLimits } from './host-limits.js'
import { runtimeNames } from './translate/unsupported.js'
import { oldestVersion } from './http/version.js'
import { drivers } from './logs/drivers.js'
import type { LogConfig } from './logs/log-config.js'

const goArch: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** What the engine says of itself and of the host. */
export class Facts {
  readonly #runtime: Runtime
  readonly #containers: Containers
  readonly #log: LogConfig
  readonly #startedAt = new Date().toISOString()
  #limits: HostLimits | undefined

  constructor(runtime: Runtime, containers: Containers, log: LogConfig) {
    this.#runtime = runtime
    this.#containers = containers
    this.#log = log
  }

  /** `GET /version`. */
  version(ApiVersion: string): Record<string, unknown> {
    const shared = { Os: 'linux', Arch: architecture(), KernelVersion: release() }
    return {
      Platform: { Name: 'ctr' },
      Version: engineVersion,
      ApiVersion,
      MinAPIVersion: oldestVersion,
      GitCommit: '',
      GoVersion: '',
      BuildTime: '',
      ...shared,
      Components: [
        {
          Name: 'Engine',
          Version: engineVersion,
          Details: {
            ApiVersion,
            MinAPIVersion: oldestVersion,
            ...shared,
            Experimental: 'false',
            NodeVersion: process.version,
          },
        },
      ],
    }
  }

  /** `GET /info`. */
  async info(): Promise<Record<string, unknown>> {
    const states = this.#containers.all().map(({ status }) => status)
    const count = (...wanted: string[]): number => states.filter((status) => wanted.includes(status)).length
    const { root, cgroupDriver, images } = this.#runtime
    const limits = (this.#limits ??= hostLimits())
    const { mode, controllers } = detectHierarchy()
    return {
      ID: createHash('sha256').update(`${hostname()} ${root}`).digest('hex').slice(0, 32),
      Name: hostname(),
      ServerVersion: engineVersion,
      Containers: states.length,
      ContainersRunning: count('running'),
      ContainersPaused: count('paused'),
      ContainersStopped: count('created', 'exited', 'restarting'),
      Images: (await images.list()).length,
      Driver: 'overlay2',
      DriverStatus: [
        ['Backing Filesystem', fileSystemOf(root)],
        ['Supports d_type', 'true'],
        ['Using metacopy', 'false'],
        ['Native Overlay Diff', 'true'],
        ['userxattr', 'false'],
      ],
      Plugins: {
        Volume: ['local'],
        Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null', 'overlay'],
        Authorization: null,
        Log: Object.keys(drivers).sort(),
      },
      MemoryLimit: controllers.has('memory'),
      SwapLimit: limits.hasSwap,
      CpuCfsPeriod: controllers.has('cpu'),
      CpuCfsQuota: controllers.has('cpu'),
      CPUShares: controllers.has('cpu'),
      CPUSet: controllers.has('cpuset'),
      PidsLimit: controllers.has('pids'),
      IPv4Forwarding: isForwarding(),
      Debug: false,
      OomKillDisable: mode !== 'v2' && controllers.has('memory'),
      NFd: readdirSync('/proc/self/fd').length,
      NGoroutines: 0,
      SystemTime: new Date().toISOString(),
      SystemStatus: null,
      LoggingDriver: this.#log.Type,
      CgroupDriver: cgroupDriver,
      CgroupVersion: mode === 'v2' ? '2' : '1',
      NEventsListener: 0,
      KernelVersion: release(),
      OperatingSystem: osName(),
      OSVersion: '',
      OSType: 'linux',
      Architecture: arch() === 'x64' ? 'x86_64' : arch() === 'arm64' ? 'aarch64' : arch(),
      NCPU: cpus().length,
      MemTotal: totalmem(),
      IndexServerAddress: 'https://index.docker.io/v1/',
      RegistryConfig: { InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'], IndexConfigs: {}, Mirrors: [] },
      DockerRootDir: root,
      HttpProxy: '',
      HttpsProxy: '',
      NoProxy: '',
      Labels: [],
      ExperimentalBuild: false,
      Runtimes: Object.fromEntries(runtimeNames.map((name) => [name, { path: 'ctr' }])),
      DefaultRuntime: 'ctr',
      Swarm: {
        NodeID: '',
        NodeAddr: '',
        LocalNodeState: 'inactive',
        ControlAvailable: false,
        Error: '',
        RemoteManagers: null,
      },
      LiveRestoreEnabled: true,
      Isolation: '',
      InitBinary: '',
      SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
      Warnings: limits.warnings.length === 0 ? null : limits.warnings,
      ContainerdCommit: { ID: '' },
      RuncCommit: { ID: '' },
      InitCommit: { ID: '' },
      EngineStartedAt: this.#startedAt,
    }
  }
}

function architecture(): string {
  return goArch[arch()] ?? arch()
}

function osName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  } catch {
    return 'Linux'
  }
}

/** Docker's words for what statfs(2) says of a folder. */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0xf2f52010: 'f2fs',
}

function fileSystemOf(folder: string): string {
  return fileSystems[statfsSync(folder).type] ?? '<unknown>'
}

function isForwarding(): boolean {
  return readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1'
}
