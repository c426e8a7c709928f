import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { LayerLimits } from '../archive/limits.js'
import { abortError, errnoOf, OverlayError, systemError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { unpackLayer } from '../unpack/unpack-layer.js'
import { filesOf, readLayer, writeLayer, type Layer } from './layer-folder.js'
import type { Layout } from './layout.js'
import { TemporaryFolder } from './temporary-folders.js'
import { syncFileSystem, type UnsyncedLayers } from './unsynced-layers.js'

/** Unpacks a layer into a temporary folder, checks it, and renames it into its place: whole or not at all. */
export async function addLayer(
  layout: Layout,
  source: AsyncIterable<Uint8Array>,
  options: {
    readonly diffId: string | undefined
    readonly signal: AbortSignal | undefined
    readonly limits: LayerLimits
    readonly durable: boolean | 'later'
    readonly unsynced: UnsyncedLayers
    readonly namespace: StoreUserNamespace | undefined
  },
): Promise<Layer> {
  const { diffId, signal, limits, durable, unsynced, namespace } = options
  await using temporary = makeTemporary(layout, namespace)
  const made = join(temporary.path, 'layer')
  const files = filesOf(made)
  try {
    mkdirSync(files, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw systemError('make', files, error)
  }
  const unpacked = await unpackLayer(source, files, { limits, signal, namespace })
  if (diffId !== undefined && diffId !== unpacked.diffId) {
    throw new OverlayError(
      'ERR_OVERLAY_DIGEST',
      `cannot add the layer: its diffID is ${unpacked.diffId}, not ${diffId}`,
    )
  }
  writeLayer(made, unpacked)
  const mustSync = durable === true || (durable === 'later' && !unsynced.note(unpacked.diffId))
  if (mustSync) await syncFileSystem(made)
  if (signal?.aborted === true) throw abortError(signal)
  const place = layout.layer(unpacked.diffId)
  try {
    renameSync(made, place)
  } catch (error) {
    // somebody else was faster with the same content
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw systemError('add', place, error)
  }
  return readLayer(place) ?? { ...unpacked, path: filesOf(place) }
}

function makeTemporary(layout: Layout, namespace: StoreUserNamespace | undefined): TemporaryFolder {
  try {
    return TemporaryFolder.create(layout.temporary, namespace)
  } catch (error) {
    throw systemError('make a folder in', layout.temporary, error)
  }
}
