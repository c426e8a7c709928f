import { Readable } from 'node:stream'
import type { CredentialSource } from '../auth/credentials.js'
import type { BlobStore } from '../blobs/blob-store.js'
import { verified } from '../blobs/verify.js'
import { RegistryError } from '../errors.js'
import { Connections, type ConnectionOptions } from '../http/connections.js'
import { withRetries, type RetryOptions } from '../http/retry.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseDigest } from '../manifest/digest.js'
import { parseImageConfig, type ImageConfig } from '../manifest/image-config.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { hostPlatform, parsePlatform, type Platform } from '../manifest/platform.js'
import { checkReference, parseRegistry } from '../reference/parse-reference.js'
import type { Reference } from '../reference/reference.js'
import { fetchBlob, openBlob, type FetchBlobOptions } from './fetch-blob.js'
import { fetchManifest, manifestPath, type FetchedManifest } from './fetch-manifest.js'
import { listNames } from './list-names.js'
import { pushArtifact, type NewArtifact } from './push-artifact.js'
import { hasBlob, pushBlob, type PushBlobOptions } from './push-blob.js'
import { pushManifest } from './push-manifest.js'
import { listReferrers } from './referrers.js'
import { resolveImage, type ResolvedImage } from './resolve-image.js'
import { repositoryScope } from './session.js'
import { Sources, type Mirrors } from './sources.js'

/** Settings of a {@link RegistryClient}. */
export interface RegistryClientOptions extends ConnectionOptions, RetryOptions {
  /** Who we are. Default: what `docker login` stored in its configuration file, read on first use. */
  readonly credentials?: CredentialSource | undefined
  /** Where to read from before a registry itself is asked; a mirror that fails is passed over. Default: nowhere. */
  readonly mirrors?: Mirrors | undefined
  /** The `User-Agent` header. Default `ctr`. */
  readonly userAgent?: string | undefined
}

/** A call that can be given up. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/** Settings of {@link RegistryClient.resolve}. */
export interface ResolveOptions extends CallOptions {
  /** Wanted platform, such as `linux/arm64`. Default: Linux on this machine's processor. */
  readonly platform?: string | Platform | undefined
}

/**
 * A client of OCI and Docker registries. One client serves any number of registries; it keeps connections
 * and tokens, and belongs to one user. Close it when done.
 *
 * References are text or the result of `parseReference`. All methods reject with `RegistryError`, or with
 * Node's `AbortError` when their signal aborts.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/main/spec.md}
 *
 * @example Which layers does an image have?
 * await using client = new RegistryClient()
 * const { manifest } = await client.resolve('busybox:latest', { platform: 'linux/arm64' })
 * for (const { digest, size } of manifest.layers) console.log(digest, size)
 */
export class RegistryClient implements AsyncDisposable {
  readonly #options: RegistryClientOptions
  readonly #connections: Connections
  readonly #sources: Sources

  /** @throws {@link RegistryError} `ERR_REGISTRY_INVALID_ARG`: a number outside its range. */
  constructor(options: RegistryClientOptions = {}) {
    checkRange('idleTimeoutMs', options.idleTimeoutMs, 1, 3_600_000)
    checkRange('retries', options.retries, 0, 20)
    checkRange('retryDelayMs', options.retryDelayMs, 0, 60_000)
    checkRange('maxRetryAfterMs', options.maxRetryAfterMs, 0, 86_400_000)
    this.#options = options
    this.#connections = new Connections(options)
    this.#sources = new Sources(this.#connections, options)
  }

  /** Checks that a registry answers and takes our credentials (`GET /v2/`). */
  async ping(registry: string, { signal }: CallOptions = {}): Promise<void> {
    const what = `reach registry ${registry}`
    const host = parseRegistry(registry)
    const answer = await this.#sources.of(host).call({
      what,
      method: 'GET',
      target: '/v2/',
      scopes: [],
      expect: [200],
      signal,
    })
    answer.discard()
  }

  /** A manifest or index as the registry has it, digest checked (`GET /v2/<name>/manifests/<reference>`). */
  async manifest(reference: string | Reference, { signal }: CallOptions = {}): Promise<FetchedManifest> {
    const parsed = checkReference(reference)
    return await this.#sources.read(parsed.registry, (session) => fetchManifest(session, parsed, signal))
  }

  /**
   * Finds the image for a platform: follows indexes, checks digests and sizes, refuses what is no container
   * image. Nothing but manifests is fetched.
   */
  async resolve(
    reference: string | Reference,
    { platform, signal }: ResolveOptions = {},
  ): Promise<ResolvedImage> {
    const parsed = checkReference(reference)
    const wanted = typeof platform === 'string' ? parsePlatform(platform) : (platform ?? hostPlatform())
    return await this.#sources.read(parsed.registry, (session) =>
      resolveImage(session, parsed, wanted, signal),
    )
  }

  /** An image's config, given its descriptor from the manifest. At most 4 MiB. */
  async config(
    reference: string | Reference,
    descriptor: Descriptor,
    { signal }: CallOptions = {},
  ): Promise<ImageConfig> {
    if (descriptor.size > maxManifestBytes) {
      throw new RegistryError(
        'ERR_REGISTRY_TOO_LARGE',
        `cannot get config ${descriptor.digest}: it has ${descriptor.size} bytes, at most ${maxManifestBytes} are read`,
      )
    }
    const chunks: Buffer[] = []
    for await (const chunk of await this.blob(reference, descriptor, { signal })) chunks.push(chunk as Buffer)
    return parseImageConfig(Buffer.concat(chunks))
  }

  /**
   * A blob as a stream of its bytes (`GET /v2/<name>/blobs/<digest>`). They are checked as they pass: never
   * more than the descriptor says, and a wrong size or digest is an error at the end. What was read before
   * the end is unchecked. A stream that breaks is not resumed: for that use {@link RegistryClient.fetchBlob}.
   */
  async blob(
    reference: string | Reference,
    descriptor: Descriptor,
    { signal }: CallOptions = {},
  ): Promise<Readable> {
    const parsed = checkReference(reference)
    parseDigest(descriptor.digest)
    const { body } = await this.#sources.read(parsed.registry, (session) =>
      withRetries(session.retry, signal, () => openBlob(session, parsed, descriptor, 0, signal)),
    )
    return Readable.from(verified(body, descriptor), { objectMode: false })
  }

  /**
   * Brings a blob into a store. Does nothing when it is there. What an interrupted download left is gone on
   * with, if the registry can; a broken connection is taken up again where it broke.
   */
  async fetchBlob(
    reference: string | Reference,
    descriptor: Descriptor,
    store: BlobStore,
    options: FetchBlobOptions = {},
  ): Promise<void> {
    const parsed = checkReference(reference)
    await this.#sources.read(parsed.registry, (session) =>
      fetchBlob(session, parsed, descriptor, store, session.retry, options),
    )
  }

  /** True when the repository has a blob (`HEAD /v2/<name>/blobs/<digest>`). */
  async hasBlob(
    reference: string | Reference,
    digest: string,
    { signal }: CallOptions = {},
  ): Promise<boolean> {
    const parsed = checkReference(reference)
    parseDigest(digest)
    return await hasBlob(this.#sources.of(parsed.registry), parsed, digest, signal)
  }

  /**
   * Uploads a blob in one piece, unless the repository has it or takes it from `mountFrom`.
   *
   * @param open - Opens the blob's bytes; called again when an upload is repeated.
   */
  async pushBlob(
    reference: string | Reference,
    descriptor: Descriptor,
    open: () => Readable,
    options: PushBlobOptions = {},
  ): Promise<void> {
    const parsed = checkReference(reference)
    parseDigest(descriptor.digest)
    const context = { retry: this.#options, insecure: this.#options.insecure }
    await pushBlob(this.#sources.of(parsed.registry), parsed, descriptor, open, context, options)
  }

  /**
   * Uploads a manifest or an index (`PUT /v2/<name>/manifests/<reference>`): under the reference's tag, or
   * by digest when it has none. What it refers to must be there.
   *
   * @returns The manifest's descriptor.
   */
  async pushManifest(
    reference: string | Reference,
    bytes: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<Descriptor> {
    const parsed = checkReference(reference)
    return await pushManifest(this.#sources.of(parsed.registry), parsed, bytes, signal)
  }

  /**
   * Uploads an artifact: its blobs, and a manifest under the reference's tag, or by digest without one.
   *
   * @returns The manifest's descriptor.
   */
  async pushArtifact(
    reference: string | Reference,
    artifact: NewArtifact,
    { signal }: CallOptions = {},
  ): Promise<Descriptor> {
    return await pushArtifact(this, reference, artifact, signal)
  }

  /**
   * Manifests whose `subject` is the reference's manifest, such as signatures and lists of parts, page by page
   * (`GET /v2/<name>/referrers/<digest>`). Of registries without this API, what the tag `sha256-…` lists. With mirrors,
   * those of the first that lists any, else the registry's.
   *
   * @param artifactType - Only those of this type.
   */
  async *referrers(
    reference: string | Reference,
    { artifactType, signal }: CallOptions & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<Descriptor, void> {
    const parsed = checkReference(reference)
    const digest = parsed.digest ?? (await this.manifest(parsed, { signal })).descriptor.digest
    const home = this.#sources.of(parsed.registry)
    const { first, others } = await this.#sources.read(parsed.registry, async (session) => {
      const others = listReferrers(session, parsed, digest, artifactType, signal)
      const first = await others.next()
      if (first.done !== true || session === home) return { first, others }
      // a mirror may have an image, and not what was attached to it
      throw new RegistryError(
        'ERR_REGISTRY_NOT_FOUND',
        `cannot find referrers of ${digest}: the mirror lists none`,
      )
    })
    if (first.done === true) return
    yield first.value
    yield* others
  }

  /** Removes a manifest by digest or, where the registry allows it, a tag (`DELETE …/manifests/<reference>`). */
  async deleteManifest(reference: string | Reference, { signal }: CallOptions = {}): Promise<void> {
    const parsed = checkReference(reference)
    const answer = await this.#sources.of(parsed.registry).call({
      what: `delete manifest ${parsed.digest ?? parsed.tag ?? ''} of ${parsed.registry}/${parsed.repository}`,
      method: 'DELETE',
      target: manifestPath(parsed),
      scopes: [repositoryScope(parsed.repository, 'pull', 'delete')],
      expect: [200, 202],
      signal,
    })
    answer.discard()
  }

  /**
   * The tags of a repository, page by page (`GET /v2/<name>/tags/list`): those of the first mirror that lists any, else
   * the registry's. The reference's own tag is ignored.
   */
  async *tags(
    reference: string | Reference,
    { signal }: CallOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    const { registry, repository } = checkReference(reference)
    const what = `list tags of ${registry}/${repository}`
    const scopes = [repositoryScope(repository, 'pull')]
    const { first, tags } = await this.#sources.read(registry, async (session) => {
      const list = listNames(session, what, `/v2/${repository}/tags/list`, 'tags', scopes, signal)
      return { first: await list.next(), tags: list }
    })
    if (first.done === true) return
    yield first.value
    yield* tags
  }

  /** The repositories of a registry, page by page (`GET /v2/_catalog`). Public registries refuse it. */
  catalog(registry: string, { signal }: CallOptions = {}): AsyncIterable<string> {
    const host = parseRegistry(registry)
    return listNames(
      this.#sources.of(host),
      `list repositories of ${host}`,
      '/v2/_catalog',
      'repositories',
      ['registry:catalog:*'],
      signal,
    )
  }

  /** Closes all connections. Work under way fails. */
  async close(): Promise<void> {
    this.#connections.close()
    await Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function checkRange(name: string, value: number | undefined, low: number, high: number): void {
  if (value === undefined || (Number.isFinite(value) && value >= low && value <= high)) return
  throw new RegistryError(
    'ERR_REGISTRY_INVALID_ARG',
    `cannot make a registry client: ${name} must be ${low} to ${high}, got ${value}`,
  )
}
