import type { BlobStore } from '../blobs/blob-store.js'
import { sizeMismatch } from '../blobs/verify.js'
import type { FetchedManifest } from '../client/fetch-manifest.js'
import type { RegistryClient } from '../client/registry-client.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { maxManifestBytes } from '../manifest/manifest.js'
import { formatReference } from '../reference/format-reference.js'
import type { Reference } from '../reference/reference.js'
import { inParallel } from './in-parallel.js'
import { walkDocuments } from './walk-documents.js'
import { checkParallel, uniqueBlobs, type TransferOptions } from './pull-image.js'

/** Brings everything below an index into a blob store, for all platforms: blobs, then manifests, itself last. */
export async function fetchIndex(
  client: RegistryClient,
  blobs: BlobStore,
  reference: Reference,
  source: FetchedManifest,
  { signal, onProgress, parallel }: TransferOptions,
): Promise<void> {
  checkParallel(parallel)
  const { registry, repository } = reference
  const name = formatReference(reference)
  const documents = await walkDocuments(name, source.descriptor, async (descriptor) => {
    if (descriptor === source.descriptor) return source.bytes
    const fetched = await client.manifest({ registry, repository, digest: descriptor.digest }, { signal })
    if (fetched.bytes.byteLength !== descriptor.size)
      throw sizeMismatch(descriptor, `${fetched.bytes.byteLength} came`)
    return fetched.bytes
  })
  const needed = uniqueBlobs(documents.flatMap((document) => document.blobs))
  onProgress?.({ kind: 'manifest', reference: name, digest: source.descriptor.digest, blobs: needed })
  for (const { digest, size } of needed)
    onProgress?.({ kind: 'blob', digest, status: 'waiting', transferred: 0, size })
  await inParallel(needed, parallel ?? 4, signal, (blob, either) =>
    client.fetchBlob(reference, blob, blobs, { signal: either, onProgress }),
  )
  for (const { descriptor, bytes } of documents)
    if (!(await blobs.has(descriptor))) await blobs.write(descriptor, [bytes])
}

/** Uploads everything below an index, whole, and then the index under the reference. */
export async function pushIndex(
  client: RegistryClient,
  blobs: BlobStore,
  reference: Reference,
  index: Descriptor,
  { signal, onProgress, parallel, mountFrom }: TransferOptions & { readonly mountFrom?: string | undefined },
): Promise<Descriptor> {
  checkParallel(parallel)
  const { registry, repository } = reference
  const name = formatReference(reference)
  const documents = await walkDocuments(name, index, (descriptor) =>
    blobs.bytes(descriptor, maxManifestBytes),
  )
  const needed = uniqueBlobs(documents.flatMap((document) => document.blobs))
  onProgress?.({ kind: 'manifest', reference: name, digest: index.digest, blobs: needed })
  for (const { digest, size } of needed)
    onProgress?.({ kind: 'blob', digest, status: 'waiting', transferred: 0, size })
  await inParallel(needed, parallel ?? 4, signal, async (blob, either) => {
    const options = { signal: either, onProgress, mountFrom }
    await client.pushBlob(reference, blob, () => blobs.read(blob.digest), options)
  })
  for (const { descriptor, bytes } of documents) {
    if (descriptor === index) continue
    await client.pushManifest({ registry, repository, digest: descriptor.digest }, bytes, { signal })
  }
  return await client.pushManifest(reference, documents.at(-1)!.bytes, { signal })
}
