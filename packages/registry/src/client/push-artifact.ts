import { Readable } from 'node:stream'
import { RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import { formatReference } from '../reference/format-reference.js'
import { checkReference } from '../reference/parse-reference.js'
import type { Reference } from '../reference/reference.js'

/** One blob of an artifact, in memory. */
export interface ArtifactBlob {
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** Something that is no container image: a signature, a list of parts, a chart (image-spec, "Guidelines for Artifact Usage"). */
export interface NewArtifact {
  /** What it is, as a media type. */
  readonly artifactType: string
  readonly blobs: readonly ArtifactBlob[]
  /** Its config; most have none. */
  readonly config?: ArtifactBlob | undefined
  /** The manifest that it is about: it is listed among the referrers of that. */
  readonly subject?: Descriptor | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** What of a client is needed. */
interface Uploads {
  pushBlob(
    reference: string | Reference,
    descriptor: Descriptor,
    open: () => Readable,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<void>
  pushManifest(
    reference: string | Reference,
    bytes: Uint8Array,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<Descriptor>
}

const nothing: ArtifactBlob = { mediaType: mediaTypes.ociEmpty, bytes: Buffer.from('{}') }

/** Uploads an artifact: blobs, then the manifest; see `RegistryClient.pushArtifact`. */
export async function pushArtifact(
  client: Uploads,
  reference: string | Reference,
  { artifactType, blobs, config = nothing, subject, annotations }: NewArtifact,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  if (!/^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$/.test(artifactType)) {
    throw new RegistryError(
      'ERR_REGISTRY_INVALID_ARG',
      `cannot push artifact ${formatReference(checkReference(reference))}: artifactType must be a media type, got ${JSON.stringify(artifactType.slice(0, 200))}`,
    )
  }
  const descriptors: Descriptor[] = []
  for (const { bytes, mediaType, annotations: own } of [
    config,
    ...(blobs.length === 0 ? [nothing] : blobs),
  ]) {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
    await client.pushBlob(reference, descriptor, () => Readable.from([bytes]), { signal })
    descriptors.push(own === undefined ? descriptor : { ...descriptor, annotations: own })
  }
  const [first, ...layers] = descriptors
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType,
    config: first,
    layers,
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    ...(annotations === undefined ? {} : { annotations }),
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const { registry, repository } = checkReference(reference)
  const name = hasTag(reference) ? reference : { registry, repository, digest: digestOf(bytes) }
  return await client.pushManifest(name, bytes, { signal })
}

/** `latest` is not meant where nothing is written: what has a subject is found by that. */
function hasTag(reference: string | Reference): boolean {
  return typeof reference === 'string' ? /:[^/@]+$/.test(reference) : reference.tag !== undefined
}
