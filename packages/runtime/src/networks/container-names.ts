import {
  CONTAINER_DNS,
  serveContainerDns,
  type DnsServer,
  type NamesOnNetwork,
  type Network,
} from '@ctr/netbridge'
import type { ContainerNetwork, ContainerRecord } from '../container/record.js'
import { DEFAULT_NETWORK } from './default-network.js'

interface Served {
  readonly server: DnsServer
  networks: readonly NamesOnNetwork[]
}

/**
 * Serves names to containers, each inside its own network namespace, as long as this process has the runtime open: to
 * those on networks that were made for them. On `bridge`, containers know no others by name and ask whom the host asks,
 * as with Docker.
 */
export class ContainerNames {
  readonly #network: (name: string) => Promise<Network>
  readonly #served = new Map<string, Served>()

  /** @param network - Opens a network by its name. */
  constructor(network: (name: string) => Promise<Network>) {
    this.#network = network
  }

  /** Begins to serve a container that is on its networks. */
  async serve({ id, network, options }: ContainerRecord, netnsFd: number, dns = options?.dns): Promise<void> {
    const networks = await this.#open(network.networks)
    const served: Pick<Served, 'networks'> = { networks }
    // who may not reach the world must not ask it by way of us
    const forward = networks.every(({ network: { info } }) => info.internal) ? false : dns?.nameservers
    const server = await serveContainerDns(netnsFd, { networks: () => served.networks, forward })
    server.unref()
    this.#served.set(id, Object.assign(served, { server }))
  }

  /** It was connected to a network, or taken off one. */
  async changed({ id, network }: ContainerRecord): Promise<void> {
    const served = this.#served.get(id)
    if (served !== undefined) served.networks = await this.#open(network.networks)
  }

  /** Ends serving a container. Idempotent. */
  async stop(id: string): Promise<void> {
    const served = this.#served.get(id)
    this.#served.delete(id)
    await served?.server.close()
  }

  /** Ends serving: what is on its way is given up. */
  async close(): Promise<void> {
    for (const id of [...this.#served.keys()]) await this.stop(id)
  }

  #open(networks: readonly Pick<ContainerNetwork, 'name' | 'links'>[]): Promise<NamesOnNetwork[]> {
    return Promise.all(
      networks.map(async ({ name, links }) => ({ network: await this.#network(name), links })),
    )
  }
}

/** Whether a container asks whoever serves names to it, and not the host's servers alone. */
export function asksForNames({ network }: Pick<ContainerRecord, 'network'>): boolean {
  return network.mode === 'bridge' && network.networks.some(({ name }) => name !== DEFAULT_NETWORK)
}

/** As many as libc takes. */
const mostServers = 3

/**
 * The name servers of such a container, those that it has anyway being `others`: one that outlives this process may be
 * without us, which its libc learns at once.
 */
export function containerNameServers({ detached }: ContainerRecord, others: readonly string[]): string[] {
  return [CONTAINER_DNS, ...(detached ? others : [])].slice(0, mostServers)
}
