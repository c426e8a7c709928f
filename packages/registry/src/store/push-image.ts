import type { BlobStore } from '../blobs/blob-store.js'
import type { RegistryClient } from '../client/registry-client.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { formatReference } from '../reference/format-reference.js'
import type { Reference } from '../reference/reference.js'
import { inParallel } from './in-parallel.js'
import { checkParallel, uniqueBlobs, type TransferOptions } from './pull-image.js'
import type { ImageContent } from './stored-image.js'

/** Uploads an image: layers and config that the registry lacks, then the manifest. */
export async function pushImage(
  client: RegistryClient,
  blobs: BlobStore,
  reference: Reference,
  { descriptor, manifest }: ImageContent,
  { signal, onProgress, parallel, mountFrom }: TransferOptions & { readonly mountFrom?: string | undefined },
): Promise<Descriptor> {
  checkParallel(parallel)
  const needed = uniqueBlobs([...manifest.layers, manifest.config])
  onProgress?.({
    kind: 'manifest',
    reference: formatReference(reference),
    digest: descriptor.digest,
    blobs: needed,
  })
  for (const { digest, size } of needed)
    onProgress?.({ kind: 'blob', digest, status: 'waiting', transferred: 0, size })
  await inParallel(needed, parallel ?? 4, signal, async (blob, either) => {
    const options = { signal: either, onProgress, mountFrom }
    await client.pushBlob(reference, blob, () => blobs.read(blob.digest), options)
  })
  return await client.pushManifest(reference, await blobs.bytes(descriptor, maxManifestBytes), { signal })
}
