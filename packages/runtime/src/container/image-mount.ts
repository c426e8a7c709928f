import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWNS,
  executeInChild,
  Fd,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW_SIZE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '@ctr/linux'
import type { Context } from '../context.js'
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

/** A detached mount of a part of a detached mount. Old kernels allow that in mount namespaces alone. */
function partOf(view: Fd, subpath: string, mountpoint: string): Fd {
  const how = openHow({ flags: O_PATH + O_CLOEXEC, resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS })
  return new Fd(
    executeInChild((program) => {
      program.step('make a mount namespace').call('unshare', [CLONE_NEWNS])
      program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
      program.step('mount the image')
      program.call('move_mount', [view.number, '', AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH])
      const root = program.call('openat', [AT_FDCWD, mountpoint, O_PATH + O_DIRECTORY + O_CLOEXEC, 0])
      program.step(`open ${subpath}`)
      const part = program.call('openat2', [root, subpath, how, OPEN_HOW_SIZE])
      const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE + AT_EMPTY_PATH
      const mount = program.step('take it along').call('open_tree', [part, '', flags])
      program.call('close', [part])
      program.call('close', [root])
      return mount
    }),
  )
}

/** Where a mount that is in no mount namespace is read. */
export function pathOf({ number }: Fd): string {
  return `/proc/self/fd/${number}`
}
