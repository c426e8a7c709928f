import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { cpuBandwidth, isCgroupError, type Cgroup, type Resources } from '@ctr/cgroups'
import {
  explain,
  isLinuxError,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_NOFOLLOW,
  O_WRONLY,
  PR_SET_DUMPABLE,
  Fd,
} from '@ctr/linux'
import { createNetworkNamespace, isNetbridgeError, type Endpoint, type PublishedPort } from '@ctr/netbridge'
import {
  describe,
  isNamespacesError,
  spawn,
  type SpawnedProcess,
  type SpawnOptions,
  type Stdio,
} from '@ctr/namespaces'
import { overlayParameters } from '@ctr/overlay'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { startTicks } from '../host.js'
import type { RunOptions } from '../options.js'
import { Rollback } from '../rollback.js'
import { attachUserNetwork, detachUserNetwork } from '../rootless/user-network.js'
import { defaultDeviceLinks, defaultDeviceRules, defaultDevices } from '../security/default-devices.js'
import { DEFAULT_SHM_SIZE } from '../security/default-mounts.js'
import { allCapabilities } from '../security/capability.js'
import { setUpContainer, type ContainerSetup } from '../setup/container-setup.js'
import { joinCgroup } from '../setup/join-cgroup.js'
import { openTerminal, type Terminal } from '../setup/terminal.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { makeCgroup } from './cgroups.js'
import { etcFiles, needsForwardedDns } from './etc-files.js'
import { pinProcess } from './pin.js'
import type { ContainerRecord } from './record.js'
import { prepareRoot, rootBase } from './root.js'
import type { ContainerSpec } from './spec.js'
import { explainVolumes, prepareVolumes } from './volumes.js'
import type { WarmRoot } from './warm-roots.js'

/** A container that has just started. */
export interface StartedContainer {
  readonly record: ContainerRecord
  readonly process: SpawnedProcess
  readonly cgroup: Cgroup | undefined
  readonly endpoint: Endpoint | undefined
  /** Its root, where that is to be given back when the container is removed. */
  readonly warm: WarmRoot | undefined
  readonly terminal: TerminalStream | undefined
}

/**
 * Makes a container and starts its program: record, root file system, cgroup, network, and then one
 * system-call program. Whatever fails, everything that was made before is undone.
 */
export async function startContainer(context: Context, spec: ContainerSpec): Promise<StartedContainer> {
  const rollback = new Rollback()
  try {
    return await make(context, spec, rollback)
  } catch (error) {
    throw await rollback.run(explainFailure(error, spec))
  }
}

async function make(context: Context, spec: ContainerSpec, rollback: Rollback): Promise<StartedContainer> {
  const { options } = spec
  options.signal?.throwIfAborted()
  const { id } = spec.record
  context.owner.claim(id)
  rollback.defer(() => {
    context.records.remove(id)
    context.owner.settled(id)
  })
  const root = await prepareRoot(context, spec, rollback)
  const { binds, volumes } = await prepareVolumes(context, spec, rollback)
  const record: ContainerRecord = { ...spec.record, rootId: root.id, volumes }

  const made = await makeCgroup(context, id, options, resourcesOf(context, options))
  if (made !== undefined) rollback.defer(() => made.remove())
  const cgroup = made?.cgroup

  using netns = record.network.mode === 'bridge' ? createNetworkNamespace() : undefined
  const endpoint =
    netns === undefined
      ? undefined
      : (await context.network()).attach({ id, netnsFd: netns.fd, publish: options.publish })
  if (endpoint !== undefined) rollback.defer(() => endpoint.detach())

  using terminal = record.terminal
    ? openTerminal(typeof options.terminal === 'object' ? options.terminal : undefined, context.rootless)
    : undefined
  using stdio = openStdio(context, record, options)
  using cgroupFds = cgroup?.openJoinFds()
  const setup = setupOf(context, record, options, {
    root: root.source,
    binds,
    files: etcFiles(context, record, endpoint?.address),
    devpts: terminal?.mount,
  })
  let started = { ...record, network: networkWith(record, endpoint) }
  const begin = async (pid: number): Promise<void> => {
    const ports = await connect(context, record, options, pid, rollback)
    started = { ...started, ...processOf(pid), network: { ...started.network, ports } }
    context.records.save(started) // should we be killed, whoever cleans up finds the process by it
  }
  using _turn = await context.rootless?.turns.take('start')
  const process = await spawn(
    spawnOptions(context, record, setup, {
      netns: netns?.fd,
      terminal,
      stdio: stdio.streams,
      joinFds: cgroupFds?.writeZero ?? [],
      begin,
    }),
  )
  rollback.defer(() => process[Symbol.asyncDispose]())
  await made?.joined()
  options.signal?.throwIfAborted()
  started = { ...started, ...processOf(process.pid) }
  if (record.detached) {
    pinProcess(join(context.pins, id), process.pidfd)
    process.unref()
  }
  context.records.save(started)
  context.owner.settled(id)
  return { record: started, process, cgroup, endpoint, warm: root.warm, terminal: terminal?.takeStream() }
}

function networkWith(
  { network }: ContainerRecord,
  endpoint: Endpoint | undefined,
): ContainerRecord['network'] {
  return { ...network, address: endpoint?.address ?? null, ports: endpoint?.ports ?? [] }
}

function processOf(pid: number): Pick<ContainerRecord, 'pid' | 'startTicks'> {
  return { pid, startTicks: startTicks(pid) ?? null }
}

/** Connects an ordinary user's container to the network, while its first process waits. */
async function connect(
  context: Context,
  { id, network }: ContainerRecord,
  { publish = [] }: RunOptions,
  pid: number,
  rollback: Rollback,
): Promise<readonly PublishedPort[]> {
  const { mode } = network
  if (mode !== 'pasta' && mode !== 'slirp4netns') return []
  const pidFile = join(context.networkPrograms, id)
  rollback.defer(() => detachUserNetwork(pidFile))
  const forwardDns = needsForwardedDns(context.host.resolvConf)
  return await attachUserNetwork({ program: mode, pid, pidFile, publish, forwardDns })
}

/**
 * The set-up of a container as text: every system call of its child, in order. Nothing is made; descriptors that
 * would be opened before show as 0.
 */
export function explainContainer(context: Context, { record, options, image }: ContainerSpec): string {
  const base = rootBase(options, image)
  const lower =
    base === undefined
      ? []
      : 'layers' in base
        ? [context.mountpoints, ...context.layers.view(base.layers).lower]
        : base.lower
  const [upper, work] = [join(context.layers.folder, 'upper'), join(context.layers.folder, 'work')]
  const root =
    base === undefined
      ? { folder: options.rootfs! }
      : {
          overlay: overlayParameters({
            lower,
            upper,
            work,
            volatile: !record.detached,
            userxattr: context.rootless !== undefined,
          }),
        }
  const setup = setupOf(context, record, options, {
    root,
    binds: explainVolumes(context, options, image),
    files: etcFiles(context, record, undefined),
    devpts: undefined,
  })
  const netns = record.network.mode === 'bridge' ? 0 : undefined
  return describe(
    spawnOptions(context, record, setup, {
      netns,
      terminal: undefined,
      stdio: ['ignore', 'ignore', 'ignore'],
      joinFds: [],
    }),
  )
    .map(explain)
    .join('')
}

/** Credentials of the container's programs, the first one and those that are executed later. */
export function credentialsOf(
  context: Context,
  record: ContainerRecord,
): Pick<SpawnOptions, 'user' | 'capabilities' | 'noNewPrivileges' | 'seccomp'> {
  const { user, capabilities, noNewPrivileges, seccomp } = record
  const names = capabilities.bounding.map((number) => allCapabilities[number]!)
  return {
    user,
    capabilities,
    noNewPrivileges,
    seccomp: seccomp === 'default' ? context.host.seccompFilter(names) : undefined,
  }
}

function spawnOptions(
  context: Context,
  record: ContainerRecord,
  setup: ContainerSetup,
  resources: {
    readonly netns: number | undefined
    readonly terminal: Pick<Terminal, 'slave'> | undefined
    readonly stdio: readonly [Stdio, Stdio, Stdio]
    readonly joinFds: readonly number[]
    /** Called while the child of an ordinary user waits, all set up. */
    readonly begin?: (pid: number) => Promise<void>
  },
): SpawnOptions {
  const { mode } = record.network
  const { rootless } = context
  return {
    command: record.command,
    env: record.env,
    cwd: record.cwd,
    namespaces: {
      ...(rootless === undefined ? {} : { user: 'new' as const }),
      mount: 'new',
      uts: 'new',
      ipc: 'new',
      pid: 'new',
      cgroup: 'new',
      ...(mode === 'host' || mode === 'bridge' ? {} : { network: 'new' as const }),
      ...(resources.netns === undefined ? {} : { network: { fd: resources.netns } }),
    },
    idMaps: rootless?.maps,
    hostname: record.hostname,
    stdio: resources.stdio,
    terminal: resources.terminal?.slave,
    ...credentialsOf(context, record),
    before: (program) => joinCgroup(program, resources.joinFds),
    prepareFds: ['mount' in setup.root ? setup.root.mount : undefined, setup.devpts].filter(
      (fd) => fd !== undefined,
    ),
    ...(rootless === undefined ? {} : { meanwhile: resources.begin }),
    prepare: (program, pause) => {
      setUpContainer(program, setup)
      if (rootless === undefined) return
      // whoever connects its network must be able to open its namespaces; nobody else is in there yet
      program.call('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0])
      pause()
      program.step('protect the process').call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
    },
  }
}

function setupOf(
  context: Context,
  { id, network, cwd }: ContainerRecord,
  options: RunOptions,
  parts: Pick<ContainerSetup, 'root' | 'binds' | 'files' | 'devpts'>,
): ContainerSetup {
  return {
    ...parts,
    mountpoint: context.mountpoint,
    readOnlyRoot: options.readOnly ?? false,
    rootWithoutDevices: !context.hasDeviceRules,
    clonesDetachedMounts: context.host.clonesDetachedMounts,
    devices: defaultDevices,
    hostDevices: context.rootless !== undefined,
    deviceLinks: defaultDeviceLinks,
    hasTerminalGroup: context.rootless?.hasTerminalGroup ?? true,
    shmSize: options.shmSize ?? DEFAULT_SHM_SIZE,
    maskedPaths: context.host.maskedPaths,
    readOnlyPaths: context.host.readOnlyPaths,
    cgroups: context.hasCgroups
      ? context.hierarchy.mounts
          .filter(({ version }) => version === 1)
          .map((hierarchy) => ({ hierarchy, folder: hierarchy.mountpoint + context.cgroupPath(id) }))
      : undefined,
    hostSys: context.rootless !== undefined && network.mode === 'host',
    sysctls: { ...(network.mode === 'host' ? {} : networkSysctls(context)), ...options.sysctls },
    loopback: network.mode !== 'host' && network.mode !== 'bridge',
    cwd,
  }
}

/** As Docker: any user of the container may use low ports and ping. Groups must be mapped to be named. */
function networkSysctls({ rootless }: Context): Readonly<Record<string, string>> {
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': `0 ${rootless?.lastGroup ?? 2147483647}`,
  }
}

function resourcesOf(context: Context, options: RunOptions): Resources {
  const { memory, memorySwap, cpus, cpuShares, cpusetCpus, pids } = options
  return {
    ...(memory === undefined
      ? {}
      : { memory: { limit: memory, ...(memorySwap === undefined ? {} : { swap: memorySwap }) } }),
    cpu: { ...(cpus === undefined ? {} : cpuBandwidth(cpus)), shares: cpuShares, cpus: cpusetCpus },
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
    ...(context.hasDeviceRules
      ? {
          devices: defaultDeviceRules.map((rule) => ({
            ...rule,
            type: rule.type ?? 'a',
            access: rule.access ?? 'rwm',
          })),
        }
      : {}),
  }
}

interface OpenStdio extends Disposable {
  readonly streams: readonly [Stdio, Stdio, Stdio]
}

/** Opens the log files among the standard streams. */
function openStdio(context: Context, record: ContainerRecord, options: RunOptions): OpenStdio {
  const opened: Fd[] = []
  const output = options.detach === true ? 'log' : 'inherit'
  const wanted = [options.stdin ?? 'ignore', options.stdout ?? output, options.stderr ?? output] as const
  const streams = wanted.map((stream, number) => {
    if (stream !== 'log') return stream
    mkdirSync(context.records.folder(record.id), { recursive: true, mode: 0o700 })
    const path = join(context.records.folder(record.id), number === 2 ? 'stderr.log' : 'stdout.log')
    const fd = new Fd(openSync(path, O_WRONLY + O_CREAT + O_APPEND + O_NOFOLLOW + O_CLOEXEC, 0o600))
    opened.push(fd)
    return fd.number
  })
  return {
    streams: streams as unknown as readonly [Stdio, Stdio, Stdio],
    [Symbol.dispose]() {
      for (const fd of opened) fd.close()
    },
  }
}

/** Adds which container it was, in the terms of this package; errors of lower packages stay as the cause. */
function explainFailure(error: unknown, { record }: ContainerSpec): unknown {
  const what = `cannot start container ${record.name}`
  const wrap = (code: RuntimeError['code'], cause: Error): RuntimeError =>
    new RuntimeError(code, `${what}: ${cause.message}`, { cause })
  if (isNamespacesError(error)) {
    if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_FOUND') return wrap('ERR_RUNTIME_COMMAND_NOT_FOUND', error)
    if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE')
      return wrap('ERR_RUNTIME_COMMAND_NOT_EXECUTABLE', error)
    return wrap('ERR_RUNTIME_START', error)
  }
  if (isNetbridgeError(error)) {
    return wrap(
      error.code === 'ERR_NETBRIDGE_PORT_TAKEN' ? 'ERR_RUNTIME_PORT_TAKEN' : 'ERR_RUNTIME_START',
      error,
    )
  }
  if (isCgroupError(error)) return wrap('ERR_RUNTIME_LIMIT', error)
  if (isLinuxError(error) && error.code === 'ERR_LINUX_CHILD_DIED') return wrap('ERR_RUNTIME_LIMIT', error)
  return error
}
