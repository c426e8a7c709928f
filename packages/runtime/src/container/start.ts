import { join } from 'node:path'
import type { Cgroup } from '@ctr/cgroups'
import type { Endpoint, PublishedPort } from '@ctr/netbridge'
import { spawn, type SpawnedProcess } from '@ctr/namespaces'
import type { Context } from '../context.js'
import { startTicks } from '../host.js'
import type { RunOptions } from '../options.js'
import { Rollback } from '../rollback.js'
import { attachUserNetwork, detachUserNetwork } from '../rootless/user-network.js'
import { asksForNames } from '../networks/container-names.js'
import { sharedNamespaces } from '../sandbox/shared-namespaces.js'
import { openTerminal } from '../setup/terminal.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { openContainerUserNamespace } from '../userns/open-user-namespace.js'
import { attachNetworks, connected, networkNamespaceFor } from './attach-networks.js'
import { openBinds } from './binds.js'
import { claimContainer } from './claim.js'
import { makeCgroup } from './cgroups.js'
import { etcFiles, needsForwardedDns } from './etc-files.js'
import { openStdio } from './log-streams.js'
import { pinProcess } from './pin.js'
import { processOptions } from './process-options.js'
import type { ContainerRecord } from './record.js'
import { resourcesOf } from './resources-of.js'
import { prepareRoot } from './root.js'
import { setupOf } from './setup-of.js'
import type { ContainerSpec } from './spec.js'
import { optionsToStartAgain } from './start-again.js'
import { explainFailure } from './start-failure.js'
import { mountsOf, prepareVolumes } from './volumes.js'
import type { WarmRoot } from './warm-root.js'

/** A container that has just started. */
export interface StartedContainer {
  readonly record: ContainerRecord
  readonly process: SpawnedProcess
  readonly cgroup: Cgroup | undefined
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
  await context.turns.next()
  options.signal?.throwIfAborted()
  const { id } = spec.record
  const { kept } = spec
  claimContainer(context, id, rollback, kept)
  using userns = await openContainerUserNamespace(context, id, spec.userNamespace, rollback)
  userns?.ids.userInside(spec.record.user)
  const root = await prepareRoot(context, spec, rollback, userns)
  using _mount = root.mount
  using joined = root.userns
  const { binds: wanted, volumes } = await prepareVolumes(
    context,
    spec,
    kept === undefined ? rollback : new Rollback(),
  )
  const record: ContainerRecord = {
    ...spec.record,
    rootId: root.id,
    volumes: kept?.volumes ?? volumes,
    mounts: mountsOf(wanted),
    userNamespace: userns?.ids.maps ?? null,
    options: kept === undefined ? optionsToStartAgain(spec, volumes) : kept.options,
  }

  const made = await makeCgroup(context, id, options, resourcesOf(context, options))
  if (made !== undefined) {
    rollback.defer(() => {
      context.cgroupParents.remove(id)
    })
    rollback.defer(() => made.remove())
  }
  const cgroup = made?.cgroup

  using shared = sharedNamespaces(context, options)
  using netns = networkNamespaceFor(context, record, userns?.fd)
  const endpoints = await attachNetworks(context, record, options, netns?.fd, rollback)
  if (netns !== undefined && asksForNames(record)) {
    await context.names.serve(record, netns.fd, options.dns)
    rollback.defer(() => context.names.stop(id))
  }

  const owner = userns?.ids.outside(record.user)
  using terminal = record.terminal
    ? openTerminal(
        typeof options.terminal === 'object' ? options.terminal : undefined,
        userns ?? context.rootless?.namespaceOfTerminals,
        owner,
      )
    : undefined
  // before there is a program that would be without it if we were killed
  const lasting =
    terminal !== undefined && record.detached ? await context.terminals.keep(id, terminal.master) : undefined
  if (lasting !== undefined) rollback.defer(() => context.terminals.forget(id))
  using stdio = openStdio(context, record, options, owner)
  using binds = await openBinds(context, wanted, userns)
  using cgroupFds = cgroup?.openJoinFds()
  const setup = setupOf(context, record, options, {
    root: root.source,
    binds: binds.all,
    files: etcFiles(context, record, options, {
      addresses: addressesOf(endpoints),
      gateway: endpoints[0]?.gateway,
    }),
    devpts: terminal?.mount,
    sharedMemory: shared.sharedMemory,
    ids: userns?.ids ?? context.rootless?.ids,
  })
  let started = { ...record, network: networkWith(record, endpoints) }
  const begin = async (pid: number): Promise<void> => {
    const ports = await connect(context, record, options, pid, rollback)
    started = { ...started, ...processOf(pid), network: { ...started.network, ports } }
    context.records.save(started) // should we be killed, whoever cleans up finds the process by it
  }
  // one that joins a user namespace hides our memory, which those must look at who write the maps of another
  using _turn = await context.rootless?.turns.take(joined === undefined ? 'start' : 'join')
  const process = await spawn(
    processOptions(context, { record, options }, setup, {
      shared,
      userns,
      joined: joined?.number,
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
  const stream = terminal?.takeStream()
  if (stream !== undefined) lasting?.until(stream)
  return { record: started, process, cgroup, warm: root.warm, terminal: stream }
}

function networkWith(
  { network }: ContainerRecord,
  endpoints: readonly Endpoint[],
): ContainerRecord['network'] {
  return {
    ...network,
    address: endpoints[0]?.address ?? null,
    networks: network.networks.map((each, at) => connected(each, endpoints[at]!)),
    ports: endpoints.flatMap(({ ports }) => ports),
  }
}

function addressesOf(endpoints: readonly Endpoint[]): string[] {
  return endpoints.flatMap(({ address, ipv6 }) => (ipv6 === null ? [address] : [address, ipv6.address]))
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
  const forwardDns = needsForwardedDns(context.host.resolvConfOfOthers)
  return await attachUserNetwork({ program: mode, pid, pidFile, publish, forwardDns })
}
