import type { BlobStore } from '../blobs/blob-store.js'
import type { RegistryClient } from '../client/registry-client.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { isIndex } from '../manifest/manifest.js'
import type { Reference } from '../reference/reference.js'
import { checkPolicy } from '../trust/check-policy.js'
import { platformOf } from './entry-names.js'
import { fetchIndex } from './fetch-index.js'
import { sourceAnnotation } from './layout-index.js'
import { fetchImage } from './pull-image.js'
import type { PullOptions } from './store-options.js'

/**
 * Brings an image, or all that an index has, into a blob store.
 *
 * @returns The entry for the store's index, without a name.
 */
export async function fetchEntry(
  client: RegistryClient,
  blobs: BlobStore,
  reference: Reference,
  options: PullOptions,
): Promise<Descriptor> {
  if (options.platforms === 'all') {
    const source = await client.manifest(reference, options)
    if (isIndex(source.document)) {
      const { policy } = options
      const target = { digest: source.descriptor.digest, bytes: source.bytes }
      if (policy !== undefined) await checkPolicy(client, reference, [target], policy, options)
      await fetchIndex(client, blobs, reference, source, options)
      return source.descriptor
    }
  }
  const { resolved, config } = await fetchImage(client, blobs, reference, options)
  const annotations = { [sourceAnnotation]: resolved.source.descriptor.digest }
  return { ...resolved.descriptor, platform: platformOf(config), annotations }
}
