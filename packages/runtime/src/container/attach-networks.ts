import { openSync } from 'node:fs'
import { Fd } from '@ctr/linux'
import { createNetworkNamespace, isHostName, type Endpoint, type Network } from '@ctr/netbridge'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { startTicks } from '../host.js'
import type { RunOptions } from '../options.js'
import type { Rollback } from '../rollback.js'
import type { PlannedPlace } from './place-of.js'
import type { ContainerNetwork, ContainerRecord } from './record.js'

/** A network namespace that a container is to join. */
export interface JoinedNetwork extends Disposable {
  readonly fd: number
}

/** The network namespace of a container that is to start: a new one, that of another container, or what a child makes. */
export function networkNamespaceFor(
  context: Context,
  { network }: ContainerRecord,
  userNamespace: number | undefined,
): JoinedNetwork | undefined {
  if (network.mode === 'bridge') return createNetworkNamespace({ userNamespace })
  if (network.mode !== 'container') return undefined
  return networkNamespaceOf(context.records.load(network.container ?? ''))
}

/**
 * The network namespace of a running container.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`.
 */
export function networkNamespaceOf({ name, pid, startTicks: started }: ContainerRecord): JoinedNetwork {
  const netns = pid === null ? undefined : tryOpen(`/proc/${pid}/ns/net`)
  // opened first and asked afterwards: the process was still the same one
  if (netns === undefined || pid === null || startTicks(pid) !== started) {
    netns?.close()
    throw new RuntimeError(
      'ERR_RUNTIME_NOT_RUNNING',
      `cannot use the network of container ${name}: it does not run`,
    )
  }
  return { fd: netns.number, [Symbol.dispose]: () => netns.close() }
}

function tryOpen(path: string): Fd | undefined {
  try {
    return new Fd(openSync(path, 'r'))
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Puts a container that is to start on its networks, one of which is its way out. */
export async function attachNetworks(
  context: Context,
  { id, name, network }: ContainerRecord,
  { publish = [] }: RunOptions,
  netnsFd: number | undefined,
  rollback: Rollback,
): Promise<Endpoint[]> {
  if (network.mode !== 'bridge' || netnsFd === undefined) return []
  const networks: Network[] = []
  for (const { name: each } of network.networks) networks.push(await context.network(each))
  // ports lead in by a bridge; where there is none, the first one says why they cannot
  const published = Math.max(
    0,
    networks.findIndex(({ driver }) => driver === 'bridge' || driver === 'overlay'),
  )
  const wayOut = wayOutOf(network.networks.filter((_, at) => !networks[at]!.info.internal))
  for (const [at, each] of networks.entries()) await each.provide(network.networks[at]!.wanted)
  return networks.map((each, at) => {
    const { aliases, interface: ifname, wanted } = network.networks[at]!
    const endpoint = each.attach({
      ...wanted,
      id,
      netnsFd,
      name: ifname,
      names: [name, ...aliases].filter((alias) => isHostName(alias)),
      defaultRoute: network.networks[at] === wayOut,
      publish: at === published ? publish : [],
    })
    rollback.defer(() => endpoint.detach())
    return endpoint
  })
}

/** Of several networks the way out: that with the highest priority, of those the first. Undefined for none. */
export function wayOutOf(places: readonly PlannedPlace[]): PlannedPlace | undefined {
  const priorities = places.map(({ gatewayPriority = 0 }) => gatewayPriority)
  return places[priorities.indexOf(Math.max(...priorities))]
}

/** A network of a container, with what it got there. */
export function connected(place: PlannedPlace, endpoint: Endpoint): ContainerNetwork {
  const { name: ifname, address, ipv6, mac } = endpoint
  return { ...place, interface: ifname, address, ipv6: ipv6?.address ?? null, mac }
}
