import type { NetworkOptions } from '@ctr/runtime'
import { isCliError } from '../../errors.js'
import type { ShownPull } from '../../output/shown-pull.js'
import type {
  Backend,
  BackendContainer,
  BackendImages,
  BackendNetworks,
  BackendVolumes,
  Filters,
} from '../backend.js'
import type { CreateRequest } from '../create-request.js'
import type { ContainerRow } from '../rows.js'
import { createBody } from './create-body.js'
import { DaemonClient } from './daemon-client.js'
import { networkBody } from './network-body.js'
import { RemoteContainer } from './remote-container.js'
import { remoteImages } from './remote-images.js'
import { pullOnDaemon } from './transfers.js'
import { containerRow, type ListedContainer } from './remote-rows.js'

/** A daemon that speaks the Docker Engine API. */
export class RemoteBackend implements Backend {
  readonly images: BackendImages
  readonly networks: BackendNetworks
  readonly volumes: BackendVolumes
  readonly client: DaemonClient

  constructor(client: DaemonClient) {
    this.client = client
    this.images = remoteImages(client)
    this.networks = networksOf(client)
    this.volumes = volumesOf(client)
  }

  /** @param host - As `DOCKER_HOST` has it. */
  static at(host: string): RemoteBackend {
    return new RemoteBackend(new DaemonClient(host))
  }

  container(name: string): BackendContainer {
    return new RemoteContainer(this.client, name)
  }

  async create(request: CreateRequest): Promise<string> {
    const query = { name: request.flags.name, platform: request.options.platform }
    const { Id } = await this.client.json<{ readonly Id: string }>('POST', '/containers/create', {
      ...{ query, body: createBody(request) },
    })
    return Id
  }

  async containers({
    all,
    filters,
  }: {
    readonly all: boolean
    readonly filters: Filters
  }): Promise<readonly ContainerRow[]> {
    const listed = await this.client.json<readonly ListedContainer[]>('GET', '/containers/json', {
      query: { all, filters },
    })
    return listed.map(containerRow)
  }

  async pull(image: string, shown: ShownPull): Promise<string> {
    return await pullOnDaemon(this.client, image, shown)
  }

  isMissingImage(error: unknown): boolean {
    return isCliError(error) && error.status === 404 && /no such image/i.test(error.message)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    return Promise.resolve()
  }
}

interface ListedNetwork {
  readonly Id: string
  readonly Name: string
  readonly Driver: string
  readonly Scope: string
}

function networksOf(client: DaemonClient): BackendNetworks {
  const pathOf = (name: string): string => `/networks/${encodeURIComponent(name)}`
  return {
    list: async () =>
      (await client.json<readonly ListedNetwork[]>('GET', '/networks')).map((document) => {
        const { Id, Name, Driver, Scope } = document
        return { id: Id, name: Name, driver: Driver, scope: Scope, document }
      }),
    create: async (options: NetworkOptions) => {
      const body = networkBody(options)
      return (await client.json<{ readonly Id: string }>('POST', '/networks/create', { body })).Id
    },
    inspect: (name) => client.json('GET', pathOf(name)),
    remove: async (name) => {
      await client.json('DELETE', pathOf(name))
    },
  }
}

interface ListedVolume {
  readonly Name: string
  readonly Driver: string
  readonly Labels?: Readonly<Record<string, string>> | null
}

function volumesOf(client: DaemonClient): BackendVolumes {
  const pathOf = (name: string): string => `/volumes/${encodeURIComponent(name)}`
  return {
    list: async () => {
      const { Volumes } = await client.json<{ readonly Volumes: readonly ListedVolume[] | null }>(
        'GET',
        '/volumes',
      )
      return (Volumes ?? []).map((document) => {
        const { Name, Driver, Labels } = document
        return { name: Name, driver: Driver, labels: Labels ?? {}, document }
      })
    },
    create: async (name, labels) => {
      const body = { Name: name, Driver: 'local', Labels: labels }
      return (await client.json<{ readonly Name: string }>('POST', '/volumes/create', { body })).Name
    },
    inspect: (name) => client.json('GET', pathOf(name)),
    remove: async (name, force) => {
      await client.json('DELETE', pathOf(name), { query: { force } })
    },
  }
}
