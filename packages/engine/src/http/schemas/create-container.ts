import type { Static } from '@sinclair/typebox'
import * as Type from '@sinclair/typebox'
import { flag, maybe, text, textMap, texts, whole } from './members.js'
import { endpointConfig } from './network.js'

/** A set, as Go writes it: members with empty objects. */
const set = maybe(Type.Record(Type.String(), Type.Object({})))
/** A list of words, or one. */
const words = maybe(Type.Union([Type.Array(Type.String()), Type.String()]))

const portBinding = Type.Object({ HostIp: text, HostPort: text })

const mount = Type.Object({
  Type: Type.String(),
  Source: text,
  Target: Type.String(),
  ReadOnly: flag,
  VolumeOptions: maybe(
    Type.Object({
      NoCopy: flag,
      Labels: textMap,
      Subpath: text,
      DriverConfig: maybe(Type.Object({ Name: text, Options: textMap })),
    }),
  ),
  BindOptions: maybe(
    Type.Object({
      Propagation: text,
      CreateMountpoint: flag,
      NonRecursive: flag,
      ReadOnlyNonRecursive: flag,
      ReadOnlyForceRecursive: flag,
    }),
  ),
  ImageOptions: maybe(Type.Object({ Subpath: text })),
  TmpfsOptions: maybe(
    Type.Object({ SizeBytes: whole, Mode: whole, Options: maybe(Type.Array(Type.Array(Type.String()))) }),
  ),
})

const healthcheck = Type.Object({
  Test: texts,
  Interval: whole,
  Timeout: whole,
  StartPeriod: whole,
  StartInterval: whole,
  Retries: whole,
})

const deviceRates = maybe(Type.Array(Type.Object({ Path: Type.String(), Rate: Type.Integer() })))
/** Rows and columns. */
const consoleSize = maybe(
  Type.Array(Type.Integer({ minimum: 0, maximum: 65535 }), { minItems: 2, maxItems: 2 }),
)

const hostConfig = Type.Object({
  Binds: texts,
  Mounts: maybe(Type.Array(mount)),
  NetworkMode: text,
  Dns: texts,
  DnsOptions: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  PortBindings: maybe(Type.Record(Type.String(), Type.Union([Type.Array(portBinding), Type.Null()]))),
  PublishAllPorts: flag,
  RestartPolicy: maybe(Type.Object({ Name: text, MaximumRetryCount: whole })),
  AutoRemove: flag,
  LogConfig: maybe(Type.Object({ Type: text, Config: textMap })),
  CapAdd: texts,
  CapDrop: texts,
  ReadonlyRootfs: flag,
  SecurityOpt: texts,
  Sysctls: textMap,
  ShmSize: whole,
  StorageOpt: textMap,
  Memory: whole,
  MemorySwap: whole,
  NanoCpus: whole,
  CpuQuota: whole,
  CpuPeriod: whole,
  CpuShares: whole,
  CpusetCpus: text,
  PidsLimit: whole,
  Init: flag,
  Privileged: flag,
  Devices: maybe(
    Type.Array(Type.Object({ PathOnHost: Type.String(), PathInContainer: text, CgroupPermissions: text })),
  ),
  DeviceCgroupRules: texts,
  Tmpfs: textMap,
  Ulimits: maybe(
    Type.Array(Type.Object({ Name: Type.String(), Soft: Type.Integer(), Hard: Type.Integer() })),
  ),
  PidMode: text,
  IpcMode: text,
  UTSMode: text,
  CgroupParent: text,
  CgroupnsMode: text,
  GroupAdd: texts,
  OomScoreAdj: whole,
  OomKillDisable: flag,
  MaskedPaths: texts,
  ReadonlyPaths: texts,
  VolumesFrom: texts,
  Links: texts,
  ConsoleSize: consoleSize,
  MemoryReservation: whole,
  MemorySwappiness: whole,
  KernelMemory: whole,
  KernelMemoryTCP: whole,
  CpuRealtimeRuntime: whole,
  CpuRealtimePeriod: whole,
  CpusetMems: text,
  BlkioWeight: whole,
  BlkioWeightDevice: maybe(Type.Array(Type.Object({ Path: Type.String(), Weight: Type.Integer() }))),
  BlkioDeviceReadBps: deviceRates,
  BlkioDeviceWriteBps: deviceRates,
  BlkioDeviceReadIOps: deviceRates,
  BlkioDeviceWriteIOps: deviceRates,
})

/** What a container is to run, and what an image says about that. */
export const containerConfig = Type.Object({
  Hostname: text,
  Domainname: text,
  MacAddress: text,
  NetworkDisabled: flag,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: texts,
  Cmd: words,
  Entrypoint: words,
  WorkingDir: text,
  Labels: textMap,
  ExposedPorts: set,
  Volumes: set,
  StopSignal: text,
  StopTimeout: whole,
  Healthcheck: maybe(healthcheck),
})

/** Body of `POST /containers/create`: what is looked at. Other members are checked by `refuseUnsupported`. */
export const createBody = Type.Composite([
  Type.Object({ Image: Type.String({ minLength: 1 }) }),
  containerConfig,
  Type.Object({
    HostConfig: maybe(hostConfig),
    NetworkingConfig: maybe(
      Type.Object({
        EndpointsConfig: maybe(Type.Record(Type.String(), Type.Union([endpointConfig, Type.Null()]))),
      }),
    ),
  }),
])

export type CreateBody = Static<typeof createBody>
export type HostConfig = Static<typeof hostConfig>

/** Body of `POST /containers/{id}/update`. */
export const updateBody = Type.Pick(hostConfig, [
  'RestartPolicy',
  'Memory',
  'MemorySwap',
  'MemoryReservation',
  'NanoCpus',
  'CpuQuota',
  'CpuPeriod',
  'CpuShares',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpusetCpus',
  'CpusetMems',
  'BlkioWeight',
  'BlkioWeightDevice',
  'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
  'PidsLimit',
])
export type UpdateBody = Static<typeof updateBody>

/** Body of `POST /containers/{id}/exec`. */
export const execBody = Type.Object({
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  Tty: flag,
  Env: texts,
  Cmd: Type.Array(Type.String(), { minItems: 1 }),
  Privileged: flag,
  User: text,
  WorkingDir: text,
  DetachKeys: text,
  ConsoleSize: consoleSize,
})
export type ExecBody = Static<typeof execBody>

/** Body of `POST /exec/{id}/start`. */
export const execStartBody = Type.Object({
  Detach: flag,
  Tty: flag,
  ConsoleSize: consoleSize,
})
export type ExecStartBody = Static<typeof execStartBody>

/** Body of `POST /volumes/create`. */
export const volumeBody = Type.Object({
  Name: text,
  Driver: text,
  DriverOpts: textMap,
  Labels: textMap,
  ClusterVolumeSpec: maybe(Type.Object({})),
})
export type VolumeBody = Static<typeof volumeBody>
