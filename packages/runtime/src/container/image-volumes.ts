import { statSync } from 'node:fs'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import type { RunOptions } from '../options.js'
import type { UserNamespaceOption } from '../userns/option.js'
import type { ImageVolume, Volume } from '../volume-options.js'
import type { WantedBind } from './binds.js'
import { pathOf, type ImageSource } from './image-mount.js'
import { openSource } from './mount-source.js'

function isImageVolume(volume: Volume): volume is ImageVolume {
  return volume.source === undefined && volume.image !== undefined
}

/** Options with the ids of images to mount in place of their names, which may stand for others at the next start. */
export async function withImageIds(context: Context, options: RunOptions): Promise<RunOptions> {
  if (options.volumes?.some(isImageVolume) !== true) return options
  const volumes: Volume[] = []
  for (const volume of options.volumes) {
    volumes.push(
      isImageVolume(volume) ? { ...volume, image: (await context.images.get(volume.image)).id } : volume,
    )
  }
  return { ...options, volumes }
}

/**
 * Finds the files of an image that are to be mounted.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`: the container has ids of its own, which files of an image do
 *   not have; `ERR_RUNTIME_INVALID_ARG`: the image has no such file.
 */
export async function imageBind(
  context: Context,
  userNamespace: UserNamespaceOption,
  { image: wanted, target, subpath }: ImageVolume,
): Promise<WantedBind> {
  if (userNamespace !== 'host' || context.rootless !== undefined) {
    throw new RuntimeError(
      'ERR_RUNTIME_UNSUPPORTED',
      `cannot mount image ${wanted} at ${target}: containers with a user namespace have no mounts of images`,
    )
  }
  const image = await context.images.get(wanted)
  await context.images.unpack(image)
  const source = { source: image.id, layers: image.layers.map(({ diffId }) => diffId), subpath }
  return { ...source, target, readOnly: true, kind: await kindOf(context, source), idmap: false }
}

async function kindOf({ layers }: Context, source: ImageSource): Promise<'folder' | 'file'> {
  if (source.subpath === undefined) return 'folder'
  using view = await layers.openView(source.layers)
  using found = openSource({ ...source, source: pathOf(view) })
  return statSync(found.path).isDirectory() ? 'folder' : 'file'
}
