import {
  defaultMaskedPaths,
  defaultReadonlyPaths,
  processLimit,
  type ProcessLimit,
  type SandboxOptions,
} from '@ctr/runtime'
import { badRequest } from '../errors.js'
import type { CreateBody, HostConfig } from '../http/schemas/create-container.js'
import { furtherLimits } from './limits.js'

/** How far a container is apart from the host, in the runtime's words. */
export function sandboxOf({ HostConfig, Domainname }: CreateBody): SandboxOptions {
  const host = HostConfig ?? {}
  return {
    // among the processes of others it would be init of nobody
    init: host.Init === true && orUnset(host.PidMode) === undefined,
    privileged: host.Privileged ?? false,
    devices: (host.Devices ?? []).map(({ PathOnHost, PathInContainer, CgroupPermissions }) => ({
      source: PathOnHost,
      target: orUnset(PathInContainer),
      access: orUnset(CgroupPermissions),
    })),
    deviceRules: host.DeviceCgroupRules ?? [],
    tmpfs: { ...host.Tmpfs, ...tmpfsMounts(host) },
    rlimits: (host.Ulimits ?? []).map(limitOf),
    pid: orUnset(host.PidMode) ?? 'private',
    ipc: ipcOf(host.IpcMode ?? ''),
    uts: choice('UTSMode', host.UTSMode, ['host']),
    cgroupNamespace: choice('CgroupnsMode', host.CgroupnsMode, ['private', 'host']),
    groups: host.GroupAdd ?? [],
    oomScoreAdj: orUnset(host.OomScoreAdj),
    resources: furtherLimits(host),
    systemPaths: {
      masked: unlessUsual(host.MaskedPaths, defaultMaskedPaths),
      readOnly: unlessUsual(host.ReadonlyPaths, defaultReadonlyPaths),
    },
    domainname: orUnset(Domainname),
  }
}

/** Who makes a container as another one was shown names what that had anyway. */
function unlessUsual(
  paths: readonly string[] | null | undefined,
  usual: readonly string[],
): readonly string[] | undefined {
  return paths == null || paths.join('\n') === usual.join('\n') ? undefined : paths
}

function limitOf({
  Name,
  Soft,
  Hard,
}: NonNullable<NonNullable<HostConfig['Ulimits']>[number]>): ProcessLimit {
  const limit = processLimit(Name, Soft, Hard)
  if (limit === undefined) throw badRequest(`invalid HostConfig.Ulimits: ${JSON.stringify(Name)} is no limit`)
  return limit
}

function tmpfsMounts({ Mounts }: HostConfig): Record<string, string> {
  const mounts = (Mounts ?? []).filter(({ Type }) => Type === 'tmpfs')
  return Object.fromEntries(
    mounts.map(({ Target, Source, ReadOnly, TmpfsOptions }) => {
      if (Source != null && Source !== '')
        throw badRequest('invalid HostConfig.Mounts: a tmpfs has no Source')
      const { SizeBytes, Mode, Options } = TmpfsOptions ?? {}
      const words = [
        ...(ReadOnly === true ? ['ro'] : []),
        ...(SizeBytes == null || SizeBytes === 0 ? [] : [`size=${SizeBytes}`]),
        ...(Mode == null || Mode === 0 ? [] : [`mode=${Mode.toString(8)}`]),
        ...(Options ?? []).map((pair) => pair.join('=')),
      ]
      return [Target, words.join(',')]
    }),
  )
}

/** One that others may share is like one that they may not, until somebody does. */
function ipcOf(mode: string): SandboxOptions['ipc'] {
  if (mode.startsWith('container:')) return mode
  return mode === '' || mode === 'shareable'
    ? 'private'
    : choice('IpcMode', mode, ['private', 'host', 'none'])
}

function choice<T extends string>(
  name: string,
  value: string | null | undefined,
  choices: readonly T[],
): T | undefined {
  if (value == null || value === '') return undefined
  const found = choices.find((one) => one === value)
  if (found === undefined)
    throw badRequest(
      `invalid HostConfig.${name}: ${JSON.stringify(value)} is not supported; ${choices.join(', ')} are`,
    )
  return found
}

function orUnset<T extends string | number>(value: T | null | undefined): T | undefined {
  return value === null || value === '' || value === 0 ? undefined : value
}
