import type { ArrivingBlob } from '../blobs/arriving-blob.js'
import type { BlobStore } from '../blobs/blob-store.js'
import type { BlobProgress } from '../client/fetch-blob.js'
import type { RegistryClient } from '../client/registry-client.js'
import type { ResolvedImage } from '../client/resolve-image.js'
import { RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseImageConfig, type ImageConfig } from '../manifest/image-config.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { formatPlatform, parsePlatform, selectPlatform, type Platform } from '../manifest/platform.js'
import { formatReference } from '../reference/format-reference.js'
import type { Reference } from '../reference/reference.js'
import { checkPolicy } from '../trust/check-policy.js'
import type { SignaturePolicy } from '../trust/policy.js'
import { inParallel } from './in-parallel.js'
import { checkLayers } from './stored-image.js'

/** It is known which image a pull or push is about: sent once, before any blob. */
export interface ManifestProgress {
  readonly kind: 'manifest'
  /** The image's name in full. */
  readonly reference: string
  /** Digest of the manifest. */
  readonly digest: string
  /** Config and layers that will be transferred unless they are there, each once. */
  readonly blobs: readonly Descriptor[]
}

/** Progress of a pull or a push. */
export type ImageProgress = ManifestProgress | BlobProgress

/** How an image is transferred. */
export interface TransferOptions {
  readonly signal?: AbortSignal | undefined
  /** Told of every step. What it throws ends the work. */
  readonly onProgress?: ((event: ImageProgress) => void) | undefined
  /** Layers transferred at the same time. Default 4; 1 to 64. */
  readonly parallel?: number | undefined
}

/** How an image is brought in. */
export interface FetchImageOptions extends TransferOptions {
  /** Wanted platform, such as `linux/arm64`. Default: Linux on this machine's processor. */
  readonly platform?: string | Platform | undefined
  /** Which images are taken, by their signatures. Nothing of others is fetched. Default: all are. */
  readonly policy?: SignaturePolicy | undefined
  /** Signatures at hand, as parsed sigstore bundles, besides those that the registry has. */
  readonly bundles?: readonly unknown[] | undefined
  /**
   * Told of each layer that begins to come, to begin with its unpacking, and once more when it has to begin anew. Its
   * bytes are not checked yet: nothing made of them may show before `verified` says so. Not told of layers that were
   * there. The image may still fail to come.
   */
  readonly onLayer?: ((layer: FetchedLayer) => void) | undefined
}

/** A layer on its way. */
export interface FetchedLayer extends ArrivingBlob {
  readonly descriptor: Descriptor
  /** Digest of the uncompressed tar, as the image's config promises it. Whoever unpacks checks it. */
  readonly diffId: string
}

/** An image whose blobs are all in the store, not yet named there. */
export interface FetchedImage {
  readonly resolved: ResolvedImage
  readonly config: ImageConfig
}

/** Brings everything of an image into a blob store: manifest, config, layers. */
export async function fetchImage(
  client: RegistryClient,
  blobs: BlobStore,
  reference: Reference,
  { platform, signal, onProgress, parallel, policy, bundles, onLayer }: FetchImageOptions,
): Promise<FetchedImage> {
  checkParallel(parallel)
  const resolved = await client.resolve(reference, { platform, signal })
  const { manifest, descriptor, bytes, source } = resolved
  if (policy !== undefined) {
    const named = { digest: source.descriptor.digest, bytes: source.bytes }
    const picked = { digest: descriptor.digest, bytes }
    const targets = named.digest === picked.digest ? [named] : [named, picked]
    await checkPolicy(client, reference, targets, policy, { bundles, signal })
  }
  const name = formatReference(reference)
  const needed = uniqueBlobs([manifest.config, ...manifest.layers])
  onProgress?.({ kind: 'manifest', reference: name, digest: descriptor.digest, blobs: needed })
  if (manifest.config.size > maxManifestBytes) {
    throw new RegistryError(
      'ERR_REGISTRY_TOO_LARGE',
      `cannot pull ${name}: its config has ${manifest.config.size} bytes, at most ${maxManifestBytes} are read`,
    )
  }
  await client.fetchBlob(reference, manifest.config, blobs, { signal, onProgress })
  const config = parseImageConfig(await blobs.bytes(manifest.config, maxManifestBytes))
  checkLayers(manifest, config, name)
  checkPlatform(platform, config, name)
  const layers = needed.filter(({ digest }) => digest !== manifest.config.digest)
  for (const { digest, size } of layers)
    onProgress?.({ kind: 'blob', digest, status: 'waiting', transferred: 0, size })
  await inParallel(layers, parallel ?? 4, signal, (layer, either) =>
    client.fetchBlob(reference, layer, blobs, {
      signal: either,
      onProgress,
      onArriving: (blob) => {
        const position = manifest.layers.findIndex(({ digest }) => digest === layer.digest)
        const diffId = config.rootfs.diff_ids[position]!
        onLayer?.({
          descriptor: layer,
          diffId,
          verified: blob.verified,
          open: () => blob.open(),
          pieces: () => blob.pieces(),
        })
      },
    }),
  )
  if (!(await blobs.has(descriptor))) await blobs.write(descriptor, [bytes])
  return { resolved, config }
}

/** Each blob once: an image may use the same layer twice. */
export function uniqueBlobs(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map((item) => [item.digest, item])).values()]
}

/** Checks the bound of parallel transfers. */
export function checkParallel(parallel: number | undefined): void {
  if (parallel === undefined || (Number.isInteger(parallel) && parallel >= 1 && parallel <= 64)) return
  throw new RegistryError(
    'ERR_REGISTRY_INVALID_ARG',
    `cannot transfer layers: parallel must be 1 to 64, got ${parallel}`,
  )
}

/** A single manifest says only in its config what it runs on. What was asked for must be what came. */
function checkPlatform(wanted: string | Platform | undefined, config: ImageConfig, name: string): void {
  if (wanted === undefined) return
  const platform = typeof wanted === 'string' ? parsePlatform(wanted) : wanted
  if (selectPlatform([{ platform: config }], platform) !== undefined) return
  throw new RegistryError(
    'ERR_REGISTRY_NO_PLATFORM',
    `cannot pull ${name}: it is for ${formatPlatform(config)}, not for ${formatPlatform(platform)}`,
  )
}
