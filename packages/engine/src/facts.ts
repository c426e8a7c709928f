import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, type Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { arch, cpus, hostname, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { detectHierarchy } from '@ctr/cgroups'
import type { Runtime } from '@ctr/runtime'
import type { Containers } from './containers/containers.js'
import { engineVersion } from './engine-version.js'
import { oldestVersion } from './http/version.js'
import { drivers } from './logs/drivers.js'
import type { LogConfig } from './logs/log-config.js'
import { listEntry } from './translate/list-containers.js'
import { imageEntry } from './translate/image-documents.js'
import { volumeDocument } from './translate/volume-document.js'

const goArch: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** What the engine says of itself and of the host. */
export class Facts {
  readonly #runtime: Runtime
  readonly #containers: Containers
  readonly #log: LogConfig
  readonly #startedAt = new Date().toISOString()

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
        ['Supports d_type', 'true'],
        ['Native Overlay Diff', 'true'],
      ],
      Plugins: {
        Volume: ['local'],
        Network: ['bridge', 'host', 'none'],
        Authorization: null,
        Log: Object.keys(drivers).sort(),
      },
      MemoryLimit: controllers.has('memory'),
      SwapLimit: controllers.has('memory'),
      CpuCfsPeriod: controllers.has('cpu'),
      CpuCfsQuota: controllers.has('cpu'),
      CPUShares: controllers.has('cpu'),
      CPUSet: controllers.has('cpuset'),
      PidsLimit: controllers.has('pids'),
      IPv4Forwarding: isForwarding(),
      Debug: false,
      OomKillDisable: false,
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
      Runtimes: { ctr: { path: 'ctr' } },
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
      Warnings: null,
      ContainerdCommit: { ID: '' },
      RuncCommit: { ID: '' },
      InitCommit: { ID: '' },
      EngineStartedAt: this.#startedAt,
    }
  }

  /** `GET /system/df`. */
  async diskUsage(): Promise<Record<string, unknown>> {
    const images = await this.#runtime.images.list()
    const containers = this.#containers.all()
    const usedBy = (id: string): number => containers.filter(({ document }) => document.imageId === id).length
    return {
      LayersSize: images.reduce((sum, { size }) => sum + size, 0),
      Images: images.map((image) => ({ ...imageEntry(image, usedBy(image.id)), SharedSize: 0 })),
      Containers: containers.map((container) => ({
        ...listEntry(container, this.#runtime),
        SizeRw: 0,
        SizeRootFs: 0,
      })),
      Volumes: await Promise.all(
        this.#runtime.volumes.list().map(async (volume) => ({
          ...volumeDocument(volume),
          UsageData: { Size: await sizeOf(volume.path), RefCount: volume.users().length },
        })),
      ),
      BuildCache: [],
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

function isForwarding(): boolean {
  return readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1'
}

/** Bytes of all files in a folder. Links are not followed; what goes away meanwhile does not count. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => [])
  let sum = 0
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) sum += await sizeOf(path)
    else sum += (await lstat(path).catch(() => undefined))?.size ?? 0
  }
  return sum
}
