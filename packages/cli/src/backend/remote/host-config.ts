import type { NetworkAttachment, RunOptions } from '@ctr/runtime'
import { needsRuntime, usageError } from '../../errors.js'
import { parsePairs } from '../../options/parse-pairs.js'
import { parseMount } from '../../options/parse-mount.js'
import { securityWords } from '../../options/parse-security.js'
import { parseVolume } from '../../options/parse-volume.js'
import type { RunFlags } from '../../options/run-flags.js'
import type { CreateRequest } from '../create-request.js'
import { limitsBody } from './limits-body.js'
import { deviceRatesBody } from './device-rates-body.js'
import { storageBody } from './storage-body.js'
import { set } from './set.js'

/** `HostConfig` of a container that is to be made. */
export function hostConfigOf({ flags, options }: CreateRequest): Record<string, unknown> {
  const { dns, devices, rlimits } = options
  return set({
    NetworkMode: attachmentsOf(options)[0]?.name ?? 'default',
    AutoRemove: options.autoRemove,
    ...limitsBody(options),
    ...deviceRatesBody(flags),
    Annotations: flags.annotation && parsePairs(flags.annotation, '--annotation', { needsValue: true }),
    CgroupParent: flags.cgroupParent,
    Isolation: flags.isolation,
    Runtime: flags.runtime,
    VolumeDriver: flags.volumeDriver,
    Links: flags.link,
    ...(flags.memorySwap === '-1' ? { MemorySwap: -1 } : {}),
    ...(flags.pidsLimit === '-1' ? { PidsLimit: -1 } : {}),
    Binds: bindsOf(flags),
    Mounts: mountsOf(flags),
    Tmpfs: flags.tmpfs === undefined ? undefined : tmpfsOf(flags, options),
    PortBindings: portsOf(options),
    PublishAllPorts: flags.publishAll,
    VolumesFrom: flags.volumesFrom,
    OomKillDisable: flags.oomKillDisable,
    CapAdd: options.capAdd,
    CapDrop: options.capDrop,
    ReadonlyRootfs: options.readOnly,
    SecurityOpt: flags.securityOpt === undefined ? undefined : securityWords(flags.securityOpt),
    Sysctls: options.sysctls,
    ShmSize: options.shmSize,
    StorageOpt: options.storage && storageBody(options.storage),
    Dns: dns?.nameservers,
    DnsSearch: dns?.search,
    DnsOptions: dns?.options,
    ExtraHosts: hostsOf(options),
    Init: options.init,
    Privileged: options.privileged,
    Devices: devices?.map(({ source, target = source, access = 'rwm' }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: access,
    })),
    DeviceCgroupRules: options.deviceRules,
    Ulimits: rlimits?.map(({ type, soft, hard }) => ({
      Name: type.replace('RLIMIT_', '').toLowerCase(),
      Soft: soft === 'unlimited' ? -1 : soft,
      Hard: hard === 'unlimited' ? -1 : hard,
    })),
    PidMode: options.pid === 'private' ? undefined : options.pid,
    IpcMode: options.ipc,
    UTSMode: options.uts === 'private' ? undefined : options.uts,
    UsernsMode: flags.userns,
    CgroupnsMode: options.cgroupNamespace,
    GroupAdd: options.groups,
    OomScoreAdj: options.oomScoreAdj,
    RestartPolicy: flags.restart === undefined ? undefined : restartPolicy(flags.restart),
    LogConfig:
      flags.logDriver === undefined && flags.logOpt === undefined
        ? undefined
        : { Type: flags.logDriver ?? '', Config: parsePairs(flags.logOpt ?? [], '--log-opt') },
  })
}

/** Networks of a container; none where nothing is said. */
export function attachmentsOf({ network }: RunOptions): readonly NetworkAttachment[] {
  if (network === undefined) return []
  const list = typeof network === 'string' || !isList(network) ? [network] : network
  return list.map((one) => (typeof one === 'string' ? { name: one } : one))
}

/** `--restart NAME[:TIMES]`. */
export function restartPolicy(text: string): object {
  const [, Name, times] = /^([a-z-]+)(?::(\d+))?$/.exec(text) ?? []
  if (Name === undefined)
    throw usageError(`invalid restart policy "${text}": NAME or on-failure:TIMES is needed`)
  return { Name, MaximumRetryCount: Number(times ?? 0) }
}

/** `-v` but for volumes without a name. */
function bindsOf({ volume }: RunFlags): readonly string[] | undefined {
  return volume?.flatMap((text) => {
    const { source, target, readOnly = false, ...rest } = parseVolume(text)
    if ('idmap' in rest && rest.idmap === true) throw needsRuntime('map the ids of a folder')
    const { volume: name, copy = true } = rest as { readonly volume?: string; readonly copy?: boolean }
    const from = source ?? name
    if (from === undefined) return []
    const words = [...(readOnly ? ['ro'] : []), ...(copy ? [] : ['nocopy'])]
    return [[from, target, ...(words.length === 0 ? [] : [words.join(',')])].join(':')]
  })
}

function mountsOf({ mount }: RunFlags): readonly object[] | undefined {
  return mount?.map((text) => {
    const { type, source, target, readOnly, propagation, noCopy, size, mode } = parseMount(text)
    const options = {
      BindOptions: propagation === undefined ? undefined : { Propagation: propagation },
      VolumeOptions: noCopy ? { NoCopy: true } : undefined,
      TmpfsOptions: (size ?? mode) === undefined ? undefined : set({ SizeBytes: size, Mode: mode }),
    }
    return set({ Type: type, Source: source, Target: target, ReadOnly: readOnly || undefined, ...options })
  })
}

/** Of `--tmpfs` alone: those of `--mount` are mounts. */
function tmpfsOf({ tmpfs = [] }: RunFlags, options: RunOptions): Record<string, string> {
  const targets = new Set(tmpfs.map((text) => text.split(':')[0]))
  return Object.fromEntries(Object.entries(options.tmpfs ?? {}).filter(([target]) => targets.has(target)))
}

function portsOf({ publish = [] }: RunOptions): Record<string, object[]> | undefined {
  if (publish.length === 0) return undefined
  const ports: Record<string, object[]> = {}
  for (const { container, protocol = 'tcp', host = 0, hostTo, hostIp = '' } of publish) {
    const HostPort = hostTo === undefined ? String(host === 0 ? '' : host) : `${host}-${hostTo}`
    ;(ports[`${container}/${protocol}`] ??= []).push({ HostIp: hostIp, HostPort })
  }
  return ports
}

function hostsOf({ extraHosts = {} }: RunOptions): readonly string[] | undefined {
  const lines = Object.entries(extraHosts).flatMap(([name, addresses]) =>
    [addresses].flat().map((address) => `${name}:${address}`),
  )
  return lines.length === 0 ? undefined : lines
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}
