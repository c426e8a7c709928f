import type { RegistriesConfig } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import { codeOf } from '../../commands/run-failure.js'
import { CliError, needsDaemon } from '../../errors.js'
import { withDeviceRates } from '../../options/device-rate-flags.js'
import { makeSources, parseVolume } from '../../options/parse-volume.js'
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
import type { ShownPull } from '../../output/shown-pull.js'
import type { CreateRequest } from '../create-request.js'
import type { ContainerRow, DiskDetails, DiskUsage } from '../rows.js'
import { matchContainers, pruneFilter } from './filters.js'
import { LocalContainer } from './local-container.js'
import { localDiskDetails, localDiskUsage } from './local-disk-usage.js'
import { localImages } from './local-images.js'
import { localNetworks } from './local-networks.js'
import { containerRow } from './local-rows.js'
import { localVolumes } from './local-volumes.js'

/** The runtime of this machine, without any daemon. */
export class LocalBackend implements Backend {
  readonly images: BackendImages
  readonly networks: BackendNetworks
  readonly volumes: BackendVolumes
  readonly #runtime: Runtime
  readonly #registries: () => Promise<RegistriesConfig>

  constructor(runtime: Runtime, registries: () => Promise<RegistriesConfig>) {
    this.#runtime = runtime
    this.#registries = registries
    this.images = localImages(runtime)
    this.networks = localNetworks(runtime)
    this.volumes = localVolumes(runtime)
  }

  container(name: string): BackendContainer {
    return new LocalContainer(this.#runtime, this.#runtime.container(name))
  }

  async create({ flags, options }: CreateRequest): Promise<string> {
    const { autoRemove, userNamespace, signal: _signal, terminal, ...rest } = withDeviceRates(options, flags)
    if (autoRemove === true)
      throw needsDaemon('remove a container at its end that is started by another command (--rm)')
    if (userNamespace !== undefined && userNamespace !== 'host')
      throw new CliError(
        'ERR_CLI_USAGE',
        'cannot create a container with a user namespace of its own: only run makes them',
      )
    makeSources((flags.volume ?? []).map((text) => parseVolume(text)))
    const made = await this.#runtime.create({
      ...rest,
      terminal: terminal !== undefined && terminal !== false,
    })
    return made.id
  }

  async containers({ all, filters, size }: ListRequest): Promise<readonly ContainerRow[]> {
    // as Docker: who asks for a state means all containers
    const everyone = all || filters['status'] !== undefined || filters['exited'] !== undefined
    const rows = this.#runtime
      .containers()
      .filter((container) => everyone || container.inspect().status === 'running')
      .map(containerRow)
      .reverse()
    const asked = matchContainers(rows, filters)
    if (size !== true) return asked
    const measured: ContainerRow[] = []
    // one after the other: whole trees are read
    for (const row of asked) measured.push({ ...row, size: await this.#runtime.container(row.id).size() })
    return measured
  }

  async pull(image: string, shown: ShownPull): Promise<string> {
    const { pullImage, pullRepository } = await import('../../commands/pull-image.js')
    const { client, policy } = await this.#registries()
    const pull = shown.allTags === true ? pullRepository : pullImage
    return await pull(this.#runtime, image, { registries: client, policy, ...shown })
  }

  async pruneContainers(filters: Filters): Promise<Pruned> {
    const isAsked = pruneFilter(filters) ?? (() => true)
    const stopped = this.#runtime.containers().filter((container) => {
      const { status, labels, createdAt } = container.inspect()
      return status !== 'running' && isAsked({ labels, createdAt: Date.parse(createdAt) })
    })
    for (const container of stopped) await container.remove()
    return { removed: stopped.map(({ id }) => id), bytes: undefined }
  }

  diskUsage(): Promise<DiskUsage> {
    return localDiskUsage(this.#runtime)
  }

  diskDetails(): Promise<DiskDetails> {
    return localDiskDetails(this.#runtime, () => this.containers({ all: true, filters: {}, size: true }))
  }

  isMissingImage(error: unknown): boolean {
    return codeOf(error) === 'ERR_RUNTIME_IMAGE_NOT_FOUND'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime.close()
  }
}
