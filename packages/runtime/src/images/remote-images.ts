import {
  isIndex,
  RegistryClient,
  type CredentialSource,
  type Descriptor,
  type Platform,
  type RegistryClientOptions,
} from '@ctr/registry'

/** Settings of {@link RemoteImages}' questions. */
export interface RemoteImageOptions {
  /** Who we are to the registry. Default: nobody. */
  readonly credentials?: CredentialSource | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a registry has under a name. */
export interface RemoteImage {
  /** Of the index where there is one, else of the manifest. */
  readonly descriptor: Descriptor
  /** What there are images for. */
  readonly platforms: readonly Platform[]
}

/** Images that registries have: questions that bring nothing here. All reject with `RegistryError`. */
export class RemoteImages {
  readonly #client: RegistryClientOptions

  constructor(client: RegistryClientOptions) {
    this.#client = client
  }

  /** Asks what a name stands for, and on what it runs. */
  async inspect(
    reference: string,
    { credentials = 'anonymous', signal }: RemoteImageOptions = {},
  ): Promise<RemoteImage> {
    await using client = new RegistryClient({ ...this.#client, credentials })
    const { descriptor, document } = await client.manifest(reference, { signal })
    if (isIndex(document)) {
      const platforms = document.manifests.flatMap(({ platform }) => platform ?? [])
      return { descriptor, platforms: platforms.filter(({ os }) => os !== 'unknown') }
    }
    const { os, architecture, variant } = await client.config(reference, document.config, { signal })
    return {
      descriptor,
      platforms: [{ os, architecture, ...(variant === undefined ? {} : { variant }) }],
    }
  }

  /** The tags of a repository. */
  async tags(
    repository: string,
    { credentials = 'anonymous', signal }: RemoteImageOptions = {},
  ): Promise<readonly string[]> {
    await using client = new RegistryClient({ ...this.#client, credentials })
    const tags: string[] = []
    for await (const tag of client.tags(repository, { signal })) tags.push(tag)
    return tags
  }
}
