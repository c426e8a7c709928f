import type { RegistriesConfig } from '@ctr/registry'
import type { NetworkInfo, Runtime } from '@ctr/runtime'
import { codeOf } from '../../commands/run-failure.js'
import { CliError, needsDaemon } from '../../errors.js'
import { makeSources, parseVolume } from '../../options/parse-volume.js'
import { describeImage } from '../../output/describe.js'
import { describeNetwork } from '../../output/describe-network.js'
import { shortName } from '../../output/image-name.js'
import type {
  Backend,
  BackendContainer,
  BackendImages,
  BackendNetworks,
  BackendVolumes,
  Filters,
} from '../backend.js'
import type { ShownPull } from '../../output/shown-pull.js'
import type { CreateRequest } from '../create-request.js'
import type { ContainerRow } from '../rows.js'
import { matchContainers, matchImages } from './filters.js'
import { LocalContainer } from './local-container.js'
import { containerRow, imageRow } from './local-rows.js'

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
    this.images = imagesOf(runtime)
    this.networks = networksOf(runtime)
    this.volumes = volumesOf(runtime)
  }

  container(name: string): BackendContainer {
    return new LocalContainer(this.#runtime, this.#runtime.container(name))
  }

  async create({ flags, options }: CreateRequest): Promise<string> {
    const { autoRemove, userNamespace, signal: _signal, terminal, ...rest } = options
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

  containers({
    all,
    filters,
  }: {
    readonly all: boolean
    readonly filters: Filters
  }): Promise<readonly ContainerRow[]> {
    // as Docker: who asks for a state means all containers
    const everyone = all || filters['status'] !== undefined || filters['exited'] !== undefined
    const rows = this.#runtime
      .containers()
      .filter((container) => everyone || container.inspect().status === 'running')
      .map(containerRow)
      .reverse()
    return Promise.resolve(matchContainers(rows, filters))
  }

  async pull(image: string, shown: ShownPull): Promise<string> {
    const { pullImage } = await import('../../commands/pull-image.js')
    const { client, policy } = await this.#registries()
    return await pullImage(this.#runtime, image, { registries: client, policy, ...shown })
  }

  isMissingImage(error: unknown): boolean {
    return codeOf(error) === 'ERR_RUNTIME_IMAGE_NOT_FOUND'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime.close()
  }
}

function imagesOf({ images }: Runtime): BackendImages {
  return {
    list: async (filters) => {
      const rows = (await images.list()).map(imageRow)
      return matchImages(
        rows.sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0)),
        filters,
      )
    },
    inspect: async (name) => describeImage(await images.get(name)),
    tag: (source, target) => images.tag(source, target),
    remove: async (name) => {
      const { untagged, deleted } = await images.remove(name)
      return [
        ...untagged.map((reference) => `Untagged: ${shortName(reference)}`),
        ...deleted.map((digest) => `Deleted: ${digest}`),
      ]
    },
  }
}

function networksOf({ networks }: Runtime): BackendNetworks {
  return {
    list: () =>
      Promise.resolve(
        networks.list().map((document: NetworkInfo) => {
          const { id, name, driver } = document
          return { id, name, driver, scope: 'local', document }
        }),
      ),
    create: async (options) => (await networks.create(options)).id,
    inspect: (name) => Promise.resolve(describeNetwork(networks.inspect(name))),
    remove: (name) => networks.remove(name),
  }
}

function volumesOf({ volumes }: Runtime): BackendVolumes {
  const found = (name: string): NonNullable<ReturnType<typeof volumes.get>> => {
    const volume = volumes.get(name)
    if (volume === undefined) throw new CliError('ERR_CLI_USAGE', `no such volume: ${name}`)
    return volume
  }
  return {
    list: () =>
      Promise.resolve(
        volumes.list().map((volume) => {
          const { name, anonymous, labels, createdAt, path } = volume
          const document = { name, anonymous, labels, createdAt, path, users: volume.users() }
          return { name, driver: 'local', labels, document }
        }),
      ),
    create: async (name, labels) => (await volumes.create(name, { labels })).name,
    inspect: (name) => {
      const { createdAt, labels, path } = found(name)
      const driver = { Driver: 'local', Labels: labels, Mountpoint: path }
      return Promise.resolve({ CreatedAt: createdAt, ...driver, Name: name, Options: null, Scope: 'local' })
    },
    remove: async (name, force) => {
      if (!force) found(name)
      await volumes.remove(name)
    },
  }
}
