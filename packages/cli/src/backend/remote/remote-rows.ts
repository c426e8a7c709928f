import type { ContainerRow, ContainerSize, ImageRow } from '../rows.js'

/** An entry of `GET /containers/json`: what is looked at. */
export interface ListedContainer {
  readonly Id: string
  readonly Names?: readonly string[] | null
  readonly Image: string
  readonly ImageID: string
  readonly Command: string
  /** Seconds since 1970. */
  readonly Created: number
  readonly State: string
  readonly Status: string
  readonly Ports?: readonly ListedPort[] | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null }
  readonly Mounts?: readonly { readonly Name?: string; readonly Source?: string }[] | null
  readonly SizeRw?: number
  readonly SizeRootFs?: number
}

interface ListedPort {
  readonly IP?: string
  readonly PrivatePort: number
  readonly PublicPort?: number
  readonly Type: string
}

/** A container of a daemon, for lists. */
export function containerRow(listed: ListedContainer): ContainerRow {
  const { Id, Names, Image, ImageID, Command, Created, State, Status, Ports, Labels, Mounts } = listed
  return {
    id: Id,
    name: (Names ?? []).map((name) => name.replace(/^\//, '')).join(','),
    image: Image,
    imageId: ImageID,
    command: Command,
    createdAt: Created * 1000,
    state: State,
    status: Status,
    ports: (Ports ?? []).map(portText).join(', '),
    labels: Labels ?? {},
    networks: Object.keys(listed.NetworkSettings?.Networks ?? {}),
    volumes: (Mounts ?? []).map(({ Name, Source = '' }) => Name ?? Source),
    exitCode: exitCodeIn(Status),
    size: sizeOf(listed),
    document: listed,
  }
}

/** Docker leaves zeros away. */
function sizeOf({ SizeRw = 0, SizeRootFs }: ListedContainer): ContainerSize | undefined {
  return SizeRootFs === undefined ? undefined : { written: SizeRw, total: SizeRootFs }
}

function portText({ IP, PrivatePort, PublicPort, Type }: ListedPort): string {
  if (PublicPort === undefined) return `${PrivatePort}/${Type}`
  const host = IP?.includes(':') === true ? `[${IP}]` : (IP ?? '')
  return `${host}:${PublicPort}->${PrivatePort}/${Type}`
}

function exitCodeIn(status: string): number | null {
  const code = /^Exited \((\d+)\)/.exec(status)?.[1]
  return code === undefined ? null : Number(code)
}

/** An entry of `GET /images/json`: what is looked at. */
export interface ListedImage {
  readonly Id: string
  readonly RepoTags?: readonly string[] | null
  readonly RepoDigests?: readonly string[] | null
  readonly Created: number
  readonly Size: number
  readonly Labels?: Readonly<Record<string, string>> | null
}

/** An image of a daemon, for lists. */
export function imageRow(listed: ListedImage): ImageRow {
  const { Id, RepoTags, RepoDigests, Created, Size, Labels } = listed
  const names = (RepoTags ?? []).filter((name) => name !== '<none>:<none>').map(repositoryAndTag)
  return {
    id: Id,
    names: names.length === 0 ? [{ repository: '<none>', tag: '<none>' }] : names,
    digests: RepoDigests ?? [],
    labels: Labels ?? {},
    createdAt: Created * 1000,
    size: Size,
    document: listed,
  }
}

function repositoryAndTag(name: string): { readonly repository: string; readonly tag: string } {
  const at = name.lastIndexOf(':')
  return { repository: name.slice(0, at), tag: name.slice(at + 1) }
}
