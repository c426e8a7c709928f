import type { Fd } from '@ctr/linux'
import type { Context } from '../context.js'
import { partOf } from './detached-tree.js'
import { openMount, type MountSource } from './mount-source.js'

/** What is mounted of an image. */
export type ImageSource = MountSource & { readonly layers: readonly string[] }

export function isImageSource(source: MountSource): source is ImageSource {
  return source.layers !== undefined
}

/** A detached mount of the files of an image, or of a part of them. */
export async function openImageMount(
  { layers, mountpoint }: Context,
  { layers: diffIds, subpath }: ImageSource,
): Promise<Fd> {
  const view = await layers.openView(diffIds)
  if (layers.strategy === 'overlay' && subpath === undefined) return view
  using _view = view
  // what the kernel does not merge is a folder like others
  if (layers.strategy !== 'overlay') return openMount({ source: pathOf(view), subpath, layers: diffIds })
  return partOf(view, subpath!, mountpoint)
}

/** Where a mount that is in no mount namespace is read. */
export function pathOf({ number }: Fd): string {
  return `/proc/self/fd/${number}`
}
