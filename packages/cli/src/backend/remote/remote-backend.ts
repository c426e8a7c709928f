import { isCliError } from '../../errors.js'
import type { ShownPull } from '../../output/shown-pull.js'
import type {
  Backend,
  BackendContainer,
  BackendImages,
  BackendNetworks,
  BackendVolumes,
  Filters,
  ListRequest,
  Pruned,
} from '../backend.js'
import type { CreateRequest } from '../create-request.js'
import type { ContainerRow, DiskDetails, DiskUsage } from '../rows.js'
import { createBody } from './create-body.js'
import { DaemonClient } from './daemon-client.js'
import { RemoteContainer } from './remote-container.js'
import { remoteDiskDetails, remoteDiskUsage } from './remote-disk-usage.js'
import { remoteImages } from './remote-images.js'
import { remoteNetworks } from './remote-networks.js'
import { containerRow, type ListedContainer } from './remote-rows.js'
import { remoteVolumes } from './remote-volumes.js'
import { pullOnDaemon } from './transfers.js'

/** A daemon that speaks the Docker Engine API. */
export class RemoteBackend implements Backend {
  readonly images: BackendImages
  readonly networks: BackendNetworks
  readonly volumes: BackendVolumes
  readonly client: DaemonClient

  constructor(client: DaemonClient) {
    this.client = client
    this.images = remoteImages(client)
    this.networks = remoteNetworks(client)
    this.volumes = remoteVolumes(client)
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

  async containers({ all, filters, size }: ListRequest): Promise<readonly ContainerRow[]> {
    const listed = await this.client.json<readonly ListedContainer[]>('GET', '/containers/json', {
      query: { all, filters, size },
    })
    return listed.map(containerRow)
  }

  async pull(image: string, shown: ShownPull): Promise<string> {
    return await pullOnDaemon(this.client, image, shown)
  }

  async pruneContainers(filters: Filters): Promise<Pruned> {
    const { ContainersDeleted, SpaceReclaimed } = await this.client.json<{
      readonly ContainersDeleted: readonly string[] | null
      readonly SpaceReclaimed?: number
    }>('POST', '/containers/prune', { query: { filters } })
    return { removed: ContainersDeleted ?? [], bytes: SpaceReclaimed }
  }

  async diskUsage(): Promise<DiskUsage> {
    return await remoteDiskUsage(this.client)
  }

  async diskDetails(): Promise<DiskDetails> {
    return await remoteDiskDetails(this.client)
  }

  isMissingImage(error: unknown): boolean {
    return isCliError(error) && error.status === 404 && /no such image/i.test(error.message)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    return Promise.resolve()
  }
}
