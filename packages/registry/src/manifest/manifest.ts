import { RegistryError } from '../errors.js'
import { parseDescriptor, type Descriptor } from './descriptor.js'
import {
  listAt,
  objectAt,
  optional,
  parseJsonObject,
  present,
  stringAt,
  stringMapAt,
  unexpected,
  type JsonObject,
} from './json-shape.js'
import { isIndexType, isManifestType, mediaTypes } from './media-types.js'

/** The largest manifest or index that is read, in bytes (distribution-spec: registries accept at least this). */
export const maxManifestBytes = 4 * 1024 ** 2

/** An image manifest, OCI's or Docker's schema 2. */
export interface ImageManifest {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly config: Descriptor
  /** From the lowest layer to the highest. */
  readonly layers: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
  readonly subject?: Descriptor
}

/** An OCI index or a Docker manifest list. */
export interface ImageIndex {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
  readonly subject?: Descriptor
}

/** True for an index, false for a manifest. */
export function isIndex(document: ImageManifest | ImageIndex): document is ImageIndex {
  return 'manifests' in document
}

/**
 * Reads a manifest or an index. A document that could be read as either is refused, and so is one that
 * says another media type than it was served with.
 *
 * @param bytes - The document, at most 4 MiB.
 * @param servedAs - The `Content-Type` or the descriptor's media type, when there is one that says something.
 * @throws {@link RegistryError}
 *   - `ERR_REGISTRY_BAD_MANIFEST`: not JSON, schema 1, ambiguous, or a member of an unexpected shape.
 *   - `ERR_REGISTRY_TOO_LARGE`: more than 4 MiB.
 */
export function parseManifest(bytes: Uint8Array, servedAs?: string): ImageManifest | ImageIndex {
  if (bytes.byteLength > maxManifestBytes) {
    throw new RegistryError(
      'ERR_REGISTRY_TOO_LARGE',
      `cannot read manifest: it has ${bytes.byteLength} bytes, at most ${maxManifestBytes} are read`,
    )
  }
  const json = parseJsonObject(Buffer.from(bytes).toString('utf8'), 'manifest')
  if (json['schemaVersion'] !== 2)
    throw unexpected('manifest.schemaVersion', '2 (schema 1 is long retired)', json['schemaVersion'])
  const mediaType = agreedType(json, servedAs)
  const common = present({
    annotations: optional(json['annotations'], (item) => stringMapAt(item, 'manifest.annotations')),
    artifactType: optional(json['artifactType'], (item) => stringAt(item, 'manifest.artifactType')),
    subject: optional(json['subject'], (item) => parseDescriptor(item, 'manifest.subject')),
  })
  if (isIndexType(mediaType)) {
    if ('config' in json || 'layers' in json)
      throw unexpected('index', 'an index without config and layers', Object.keys(json))
    return {
      schemaVersion: 2,
      mediaType,
      manifests: descriptors(json['manifests'], 'index.manifests'),
      ...common,
    }
  }
  if ('manifests' in json)
    throw unexpected('manifest', 'a manifest without a list of manifests', Object.keys(json))
  const config = parseDescriptor(objectAt(json['config'], 'manifest.config'), 'manifest.config')
  return {
    schemaVersion: 2,
    mediaType,
    config,
    layers: descriptors(json['layers'], 'manifest.layers'),
    ...common,
  }
}

function agreedType(json: JsonObject, servedAs: string | undefined): string {
  const own = optional(json['mediaType'], (item) => stringAt(item, 'manifest.mediaType'))
  const guess = 'manifests' in json ? mediaTypes.ociIndex : mediaTypes.ociManifest
  const mediaType = own ?? (servedAs !== undefined && isKnown(servedAs) ? servedAs : guess)
  if (!isKnown(mediaType))
    throw unexpected('manifest.mediaType', 'that of an OCI or Docker manifest or index', mediaType)
  if (servedAs !== undefined && isKnown(servedAs) && servedAs !== mediaType) {
    throw unexpected('manifest.mediaType', `the type it was served with (${servedAs})`, mediaType)
  }
  return mediaType
}

function isKnown(mediaType: string): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType)
}

function descriptors(value: unknown, at: string): readonly Descriptor[] {
  return listAt(value, at).map((item, n) => parseDescriptor(item, `${at}[${n}]`))
}
