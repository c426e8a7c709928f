import type { Container, ContainerRecord } from '@ctr/runtime'
import type { StoredImage } from '@ctr/registry'
import { exitCodeOf, stateOf } from './container-status.js'
import { shortName } from './image-name.js'

const never = '0001-01-01T00:00:00Z'

/** A container as Docker's `inspect` has it: same members where there is the same thing. */
export function describeContainer(container: Container): object {
  const record = container.inspect()
  const { exit, network, limits } = record
  const state = stateOf(container)
  const isRunning = state === 'running' || state === 'paused'
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: record.command[0] ?? '',
    Args: record.command.slice(1),
    State: {
      Status: state,
      Running: isRunning,
      Paused: state === 'paused',
      OOMKilled: exit?.oomKilled ?? false,
      Pid: isRunning ? (record.pid ?? 0) : 0,
      ExitCode: exitCodeOf(container) ?? 0,
      Error: network.failure ?? '',
      StartedAt: record.createdAt,
      FinishedAt: exit?.finishedAt ?? never,
    },
    Image: record.imageId ?? '',
    Name: `/${record.name}`,
    HostConfig: {
      NetworkMode: networkModeOf(network),
      AutoRemove: record.autoRemove,
      UsernsMode: record.userNamespace === null ? 'host' : 'private',
      IDMappings: mappingsOf(record),
      Memory: limits.memory ?? 0,
      NanoCpus: Math.round((limits.cpus ?? 0) * 1e9),
      PidsLimit: limits.pids,
      SecurityOpt: [
        ...(record.noNewPrivileges ? ['no-new-privileges'] : []),
        ...seccompWords(record.seccomp),
        ...(record.apparmorProfile === undefined ? [] : [`apparmor=${record.apparmorProfile}`]),
      ],
    },
    Config: {
      Hostname: record.hostname,
      User: `${record.user.uid}:${record.user.gid}`,
      Tty: record.terminal,
      Env: Object.entries(record.env).map(([name, value]) => `${name}=${value}`),
      Cmd: record.command,
      Image: record.image ?? '',
      Rootfs: record.rootfs ?? '',
      WorkingDir: record.cwd,
      Labels: record.labels,
      StopSignal: String(record.stopSignal),
    },
    Mounts: record.volumes.map(({ name, target }) => ({ Type: 'volume', Name: name, Destination: target })),
    NetworkSettings: {
      IPAddress: isRunning ? (network.address ?? '') : '',
      Ports: isRunning ? portsOf(network.ports) : {},
      Networks: Object.fromEntries(
        network.networks.map(({ name, aliases, address, ipv6, mac }) => [
          name,
          {
            Aliases: aliases,
            IPAddress: isRunning ? (address ?? '') : '',
            GlobalIPv6Address: isRunning ? (ipv6 ?? '') : '',
            MacAddress: isRunning ? (mac ?? '') : '',
          },
        ]),
      ),
    },
  }
}

/** As Docker has it: the first network by name, or whose network it shares. */
function networkModeOf({ mode, networks, container }: ReturnType<Container['inspect']>['network']): string {
  if (mode === 'container') return `container:${container ?? ''}`
  return mode === 'bridge' ? (networks[0]?.name ?? mode) : mode
}

/** As Podman has them, `INSIDE:OUTSIDE:COUNT`; null in the user namespace of the host. */
function mappingsOf({ userNamespace }: ReturnType<Container['inspect']>): object | null {
  if (userNamespace === null) return null
  const [UidMap, GidMap] = (['uid', 'gid'] as const).map((kind) =>
    userNamespace[kind].map(({ inside, outside, size }) => `${inside}:${outside}:${size}`),
  )
  return { UidMap, GidMap }
}

function portsOf(
  ports: ReturnType<Container['inspect']>['network']['ports'],
): Record<string, { HostIp: string; HostPort: string }[]> {
  const all: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const { container, protocol, host, hostIp } of ports) {
    const bindings = (all[`${container}/${protocol}`] ??= [])
    bindings.push({ HostIp: hostIp, HostPort: String(host) })
  }
  return all
}

/** An image as Docker's `inspect` has it. */
export function describeImage({
  id,
  references,
  repositoryDigests,
  config,
  descriptor,
  size,
}: StoredImage): unknown {
  const {
    Env = [],
    Cmd = null,
    Entrypoint = null,
    User = '',
    WorkingDir = '',
    Labels = {},
    StopSignal,
    ExposedPorts = [],
    Volumes = [],
  } = config.config
  const set = (names: readonly string[]): Record<string, object> =>
    Object.fromEntries(names.map((name) => [name, {}]))
  return {
    Id: id,
    RepoTags: references.map(shortName),
    RepoDigests: repositoryDigests,
    Created: config.created ?? never,
    Author: config.author ?? '',
    Os: config.os,
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Size: size,
    Descriptor: descriptor,
    Config: {
      User,
      ExposedPorts: set(ExposedPorts),
      Env,
      Cmd,
      Entrypoint,
      Volumes: set(Volumes),
      WorkingDir,
      Labels,
      ...(StopSignal === undefined ? {} : { StopSignal }),
    },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
  }
}

function seccompWords(seccomp: ContainerRecord['seccomp']): string[] {
  if (seccomp === 'default') return []
  return [`seccomp=${seccomp === 'unconfined' ? seccomp : JSON.stringify(seccomp)}`]
}
