import { defaultMaskedPaths, defaultReadonlyPaths } from '@ctr/runtime'
import type { CreateBody, HostConfig } from '../http/schemas/create-container.js'
import { withoutEmpty } from './without-empty.js'

const unset = {
  Binds: null,
  ContainerIDFile: '',
  LogConfig: { Type: 'json-file', Config: {} },
  NetworkMode: 'bridge',
  PortBindings: {},
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: 'private',
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: 'private',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 67_108_864,
  Runtime: 'ctr',
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
}

/** `HostConfig` of an inspected container: as it was asked for, with Docker's defaults for what was not. */
export function hostDocument({ HostConfig }: CreateBody): Record<string, unknown> {
  const asked = HostConfig ?? {}
  const hidden = asked.Privileged === true ? null : defaultMaskedPaths
  const readonly = asked.Privileged === true ? null : defaultReadonlyPaths
  return {
    ...unset,
    MaskedPaths: hidden,
    ReadonlyPaths: readonly,
    ...withoutEmpty(asked),
    ...meant(asked),
  }
}

/** What a client has sent for "nothing said", as what holds then. */
function meant({
  NetworkMode,
  ShmSize,
  MemorySwappiness,
  PidsLimit,
  RestartPolicy,
}: HostConfig): Record<string, unknown> {
  return {
    ...(NetworkMode === 'default' && { NetworkMode: 'bridge' }),
    ...(ShmSize === 0 && { ShmSize: unset.ShmSize }),
    ...(MemorySwappiness === -1 && { MemorySwappiness: null }),
    ...(PidsLimit === 0 && { PidsLimit: null }),
    ...((RestartPolicy?.Name ?? '') === '' && { RestartPolicy: unset.RestartPolicy }),
  }
}
