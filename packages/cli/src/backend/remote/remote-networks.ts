import type { BackendNetworks } from '../backend.js'
import { unlessMissing } from '../unless-missing.js'
import type { DaemonClient } from './daemon-client.js'
import { endpointBody } from './endpoint-body.js'
import { networkBody } from './network-body.js'

interface ListedNetwork {
  readonly Id: string
  readonly Name: string
  readonly Driver: string
  readonly Scope: string
  readonly Labels?: Readonly<Record<string, string>> | null
}

/** The networks of a daemon. */
export function remoteNetworks(client: DaemonClient): BackendNetworks {
  const pathOf = (name: string): string => `/networks/${encodeURIComponent(name)}`
  return {
    list: async (filters) =>
      (await client.json<readonly ListedNetwork[]>('GET', '/networks', { query: { filters } })).map(
        (document) => {
          const { Id, Name, Driver, Scope, Labels } = document
          return { id: Id, name: Name, driver: Driver, scope: Scope, labels: Labels ?? {}, document }
        },
      ),
    create: async (name, flags) => {
      const body = networkBody(name, flags)
      return (await client.json<{ readonly Id: string }>('POST', '/networks/create', { body })).Id
    },
    inspect: (name) => client.json('GET', pathOf(name)),
    remove: (name, force) =>
      unlessMissing(force, client.json('DELETE', pathOf(name), { query: { force: force || undefined } })),
    connect: async (name, container, place) => {
      const EndpointConfig = endpointBody(place)
      await client.json('POST', `${pathOf(name)}/connect`, { body: { Container: container, EndpointConfig } })
    },
    disconnect: async (name, container, force) => {
      await client.json('POST', `${pathOf(name)}/disconnect`, {
        body: { Container: container, Force: force },
      })
    },
    prune: async (filters) => {
      const { NetworksDeleted } = await client.json<{ readonly NetworksDeleted: readonly string[] | null }>(
        'POST',
        '/networks/prune',
        { query: { filters } },
      )
      return NetworksDeleted ?? []
    },
  }
}
