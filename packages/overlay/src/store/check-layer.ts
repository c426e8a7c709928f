import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { unboundedLayer } from '../archive/limits.js'
import { OverlayError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { tarStream } from '../pack/pack-tree.js'
import { unpackLayer } from '../unpack/unpack-layer.js'
import { filesOf, readLayer } from './layer-folder.js'
import type { Layout } from './layout.js'
import { TemporaryFolder } from './temporary-folders.js'

/**
 * Unpacks a layer once more and compares: names, content, owners, permissions, times and attributes of every file.
 *
 * @param source - The layer's archive, which is checked by the way.
 */
export async function checkLayer(
  layout: Layout,
  { diffId, source }: { readonly diffId: string; readonly source: AsyncIterable<Uint8Array> },
  {
    namespace,
    signal,
  }: { readonly namespace?: StoreUserNamespace | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const folder = layout.layer(diffId)
  const layer = readLayer(folder)
  if (layer?.diffId !== diffId)
    throw damaged(diffId, 'its description is missing, or that of another one', folder)
  await using temporary = TemporaryFolder.create(layout.temporary, namespace)
  const again = join(temporary.path, 'layer')
  mkdirSync(again, { mode: 0o700 })
  const unpacked = await unpackLayer(source, again, { limits: unboundedLayer, signal, namespace })
  if (unpacked.diffId !== diffId)
    throw new OverlayError(
      'ERR_OVERLAY_DIGEST',
      `cannot check the layer ${diffId}: the archive is that of ${unpacked.diffId}`,
    )
  const options = { namespace, signal }
  if ((await hashOf(filesOf(folder), options)) !== (await hashOf(again, options)))
    throw damaged(diffId, 'its files are not those of its archive', folder)
}

async function hashOf(
  folder: string,
  {
    namespace,
    signal,
  }: { readonly namespace: StoreUserNamespace | undefined; readonly signal: AbortSignal | undefined },
): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(
    tarStream(() => folder, { isUpper: true, namespace }, signal),
    hash,
  )
  return hash.digest('hex')
}

function damaged(diffId: string, why: string, path: string): OverlayError {
  return new OverlayError(
    'ERR_OVERLAY_DAMAGED',
    `cannot use the layer ${diffId}: ${why}; remove it, and it is unpacked again`,
    { path },
  )
}
