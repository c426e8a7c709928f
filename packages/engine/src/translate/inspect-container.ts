import type { StoredImage } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import type { ManagedContainer } from '../containers/managed-container.js'
import type { CreateBody } from '../http/schemas/create-container.js'
import { stateOf } from './container-state.js'
import { mountsOf } from './mounts.js'
import { networkSettings } from './networks.js'

/** The document of `GET /containers/{id}/json`. */
export function inspectContainer(
  container: ManagedContainer,
  runtime: Runtime,
  image: StoredImage | undefined,
): Record<string, unknown> {
  const { document, handle, log } = container
  const record = handle.inspect()
  const [Path = '', ...Args] = record.command
  return {
    Id: document.id,
    Created: document.created,
    Path,
    Args,
    State: stateOf(container),
    Image: document.imageId,
    ResolvConfPath: '',
    HostnamePath: '',
    HostsPath: '',
    LogPath: log.path,
    Name: `/${document.name}`,
    RestartCount: document.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: container.handle.inspect().apparmorProfile ?? '',
    ExecIDs: null,
    HostConfig: hostConfigOf(document.body),
    GraphDriver: { Name: 'overlay2', Data: null },
    Mounts: mountsOf(container, runtime.volumes.folder),
    Config: configOf(container, image),
    NetworkSettings: networkSettings(container, runtime),
  }
}

/** As it was asked for, with Docker's defaults for what clients read. */
function hostConfigOf({ HostConfig }: CreateBody): Record<string, unknown> {
  const defaults = {
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
    MemoryReservation: 0,
    MemorySwap: 0,
    PidsLimit: null,
    Ulimits: [],
  }
  return { ...defaults, ...withoutEmpty(HostConfig ?? {}) }
}

function configOf(
  { document, handle }: ManagedContainer,
  image: StoredImage | undefined,
): Record<string, unknown> {
  const { body } = document
  const record = handle.inspect()
  const ofImage = image?.config.config
  const asked = body.Env ?? []
  const known = new Set(asked.map((line) => line.split('=')[0]))
  const inherited = (ofImage?.Env ?? []).filter((line) => !known.has(line.split('=')[0]))
  const hasPath = [...asked, ...inherited].some((line) => line.startsWith('PATH='))
  const { HostConfig: _, ...rest } = body
  return {
    Domainname: '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...withoutEmpty(rest),
    Hostname: record.hostname,
    User: body.User ?? ofImage?.User ?? '',
    Tty: body.Tty ?? false,
    OpenStdin: body.OpenStdin ?? false,
    StdinOnce: body.StdinOnce ?? false,
    Env: [...asked, ...inherited, ...(hasPath ? [] : [`PATH=${record.env['PATH'] ?? ''}`])],
    Cmd: body.Cmd ?? (body.Entrypoint == null ? (ofImage?.Cmd ?? null) : null),
    Image: body.Image,
    Volumes: body.Volumes ?? null,
    WorkingDir: body.WorkingDir ?? ofImage?.WorkingDir ?? '',
    Entrypoint: body.Entrypoint ?? ofImage?.Entrypoint ?? null,
    Labels: record.labels,
    Healthcheck: document.healthcheck ?? undefined,
  }
}

/** What a client has sent as null or as an empty text is what is unset. */
function withoutEmpty(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== ''))
}
