import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  CLONE_NEWNS,
  executeInChild,
  Fd,
  isSyscallError,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '@ctr/linux'
import { errnoOf, OverlayError } from '../errors.js'
import { overlayParameters, type OverlayDescription } from './description.js'
import { addOverlay, mountErrorInChild } from './mount-overlay.js'

/**
 * Mounts an overlay, detached, whose lower folders are seen through the maps of a user namespace: what belongs to an
 * id inside on disk belongs to that id in the namespace, so that one unpacked layer serves any number of maps, and is
 * never changed. The upper folder is not mapped: what is written in the namespace belongs there to the host's ids of
 * who has written it.
 *
 * A short-lived child does it in a mount namespace of its own, in which each lower folder is covered by its mapped self;
 * the overlay keeps those mounts when the child is gone. Device nodes in the overlay have no effect.
 *
 * @param userNamespace - Descriptor of a user namespace with the maps.
 * @throws {@link OverlayError} As `mountOverlay`; `ERR_OVERLAY_UNSUPPORTED` also where a lower folder is on a file
 *   system without idmapped mounts (ext4, xfs and btrfs have them, tmpfs from Linux 6.3 on; an overlay has not).
 * @see {@link https://man7.org/linux/man-pages/man2/mount_setattr.2.html}
 */
export function mountIdmapped(description: OverlayDescription, userNamespace: number): Fd {
  const lower = description.lower.map(placeOf)
  const parameters = overlayParameters({ ...description, lower })
  const attributes = mountAttributes({ set: MOUNT_ATTR_IDMAP, userns: userNamespace })
  try {
    return new Fd(
      executeInChild((program) => {
        program.step('make a mount namespace').call('unshare', [CLONE_NEWNS])
        program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
        for (const folder of new Set(description.lower)) {
          program.step(`${mapStep}${folder}`)
          const mapped = program.call('open_tree', [AT_FDCWD, folder, OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC])
          program.call('mount_setattr', [mapped, '', AT_EMPTY_PATH, attributes, 32])
          program.call('move_mount', [mapped, '', AT_FDCWD, placeOf(folder), MOVE_MOUNT_F_EMPTY_PATH])
          program.call('close', [mapped])
        }
        return addOverlay(program, parameters, MOUNT_ATTR_NODEV)
      }),
    )
  } catch (error) {
    throw mapError(error) ?? mountErrorInChild(error)
  }
}

const mapStep = 'map the ids of '

/** Nothing can be mounted over the root of a process so that its paths lead there: any other folder has to do. */
function placeOf(folder: string): string {
  return folder === '/' ? '/sys' : folder
}

function mapError(error: unknown): OverlayError | undefined {
  const { step = '', syscall } = isSyscallError(error) ? error : {}
  if (!step.startsWith(mapStep) || syscall !== 'mount_setattr' || errnoOf(error) !== 'EINVAL')
    return undefined
  return new OverlayError(
    'ERR_OVERLAY_UNSUPPORTED',
    `cannot ${step}: its file system has no idmapped mounts on this kernel; ext4, xfs and btrfs have them`,
    { cause: error },
  )
}
