import { closeSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { execute, O_DIRECTORY, O_RDONLY, Program } from '@ctr/linux'
import type { LayerLimits } from '../archive/limits.js'
import { abortError, errnoOf, OverlayError, systemError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { unpackLayer } from '../unpack/unpack-layer.js'
import { filesOf, readLayer, writeLayer, type Layer } from './layer-folder.js'
import type { Layout } from './layout.js'
import { TemporaryFolder } from './temporary-folders.js'

/** Unpacks a layer into a temporary folder, checks it, and renames it into its place: whole or not at all. */
export async function addLayer(
  layout: Layout,
  source: AsyncIterable<Uint8Array>,
  options: {
    readonly diffId: string | undefined
    readonly signal: AbortSignal | undefined
    readonly limits: LayerLimits
    readonly durable: boolean
    readonly namespace: StoreUserNamespace | undefined
  },
): Promise<Layer> {
  const { diffId, signal, limits, durable, namespace } = options
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
  if (durable) await sync(made)
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

/** syncfs(2) on a pool thread: what was written so far reaches the disk before the rename can. */
async function sync(folder: string): Promise<void> {
  const fd = openSync(folder, O_RDONLY | O_DIRECTORY)
  try {
    const program = new Program()
    program.call('syncfs', [fd])
    await execute(program)
  } catch (error) {
    throw systemError('write to disk', folder, error)
  } finally {
    closeSync(fd)
  }
}
