import type { StoredImage } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import type { ManagedContainer } from '../containers/managed-container.js'
import { stateOf } from './container-state.js'
import { hostDocument } from './host-document.js'
import { mountsOf } from './mounts.js'
import { networkSettings } from './networks.js'
import { withoutEmpty } from './without-empty.js'

/** The document of `GET /containers/{id}/json`. */
export function inspectContainer(
  container: ManagedContainer,
  runtime: Runtime,
  { image, execIds }: { readonly image: StoredImage | undefined; readonly execIds: readonly string[] },
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
    ExecIDs: execIds.length === 0 ? null : execIds,
    HostConfig: hostDocument(document.body),
    GraphDriver: { Name: 'overlay2', Data: null },
    Mounts: mountsOf(container, runtime.volumes.folder),
    Config: configOf(container, image),
    NetworkSettings: networkSettings(container, runtime),
  }
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
  const { HostConfig: _, NetworkingConfig: __, ...rest } = body
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
    Volumes: hasMembers(body.Volumes) ? body.Volumes : null,
    WorkingDir: body.WorkingDir ?? ofImage?.WorkingDir ?? '',
    Entrypoint: body.Entrypoint ?? ofImage?.Entrypoint ?? null,
    OnBuild: null,
    Labels: record.labels,
    Healthcheck: document.healthcheck ?? undefined,
  }
}

function hasMembers(object: object | null | undefined): boolean {
  return Object.keys(object ?? {}).length > 0
}
