import { mkdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import type { LayerLimits } from '../archive/limits.js'
import { abortError, errnoOf, OverlayError, systemError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { unpackLayer } from '../unpack/unpack-layer.js'
import { filesOf, readLayer, writeLayer, type Layer } from './layer-folder.js'
import type { Layout } from './layout.js'
import { TemporaryFolder } from './temporary-folders.js'
import { syncFileSystem, type UnsyncedLayers } from './unsynced-layers.js'

/**
 * Unpacks a layer into a temporary folder, checks it, and renames it into its place: whole or not at all. A layer whose
 * diffID is known is unpacked by one at a time; those who wait find it, or begin anew when that one has failed or died.
 */
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
  await using temporary = await makeTemporary(layout, source, { diffId, signal, namespace })
  const meanwhile = diffId === undefined ? undefined : readLayer(layout.layer(diffId))
  if (meanwhile !== undefined) {
    await discard(source)
    return meanwhile
  }
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

async function makeTemporary(
  layout: Layout,
  source: AsyncIterable<Uint8Array>,
  {
    diffId,
    ...options
  }: {
    readonly diffId: string | undefined
    readonly signal: AbortSignal | undefined
    readonly namespace: StoreUserNamespace | undefined
  },
): Promise<TemporaryFolder> {
  try {
    if (diffId === undefined) return TemporaryFolder.create(layout.temporary, options.namespace)
    return await TemporaryFolder.take(join(layout.temporary, basename(layout.layer(diffId))), options)
  } catch (error) {
    await discard(source)
    throw systemError('make a folder in', layout.temporary, error)
  }
}

/** Gives back what a source holds that is not read, or not to its end. */
export async function discard(source: AsyncIterable<Uint8Array>): Promise<void> {
  if (source instanceof Readable) source.destroy()
  else await source[Symbol.asyncIterator]().return?.()
}
