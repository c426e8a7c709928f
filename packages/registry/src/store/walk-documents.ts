import { RegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { isIndex, parseManifest } from '../manifest/manifest.js'

/** Indexes inside each other, and manifests below one index. */
const maxDepth = 4
const maxManifests = 1000

/** A manifest or an index of a tree, with what it needs besides other documents. */
export interface ImageDocument {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
  /** Config and layers. */
  readonly blobs: readonly Descriptor[]
}

/**
 * All documents below a manifest or an index, each once, what is referred to before what refers to it.
 *
 * @param name - For errors.
 */
export async function walkDocuments(
  name: string,
  root: Descriptor,
  read: (descriptor: Descriptor) => Promise<Buffer>,
): Promise<readonly ImageDocument[]> {
  const found = new Map<string, ImageDocument>()
  const seen = new Set<string>()
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (seen.has(descriptor.digest)) return
    seen.add(descriptor.digest)
    if (depth > maxDepth || seen.size > maxManifests) {
      const bound = depth > maxDepth ? `${maxDepth} indexes inside each other` : `${maxManifests} manifests`
      throw new RegistryError('ERR_REGISTRY_BAD_MANIFEST', `cannot use ${name}: it has more than ${bound}`)
    }
    const bytes = await read(descriptor)
    const document = parseManifest(bytes, descriptor.mediaType)
    if (isIndex(document)) for (const entry of document.manifests) await visit(entry, depth + 1)
    const blobs = isIndex(document) ? [] : [document.config, ...document.layers]
    found.set(descriptor.digest, { descriptor, bytes, blobs })
  }
  await visit(root, 0)
  return [...found.values()]
}
