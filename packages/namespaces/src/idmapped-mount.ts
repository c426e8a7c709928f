import { cloneMount, Fd, isSyscallError, MOUNT_ATTR_IDMAP, mountSetattr } from '@ctr/linux'
import { NamespacesError } from './errors.js'
import type { IdMaps } from './ids/id-map.js'
import { openUserNamespace } from './user-namespace.js'

/** How to map the ids of a mount. */
export interface IdmappedMountOptions {
  /** With all mounts below it. Default false. */
  readonly recursive?: boolean | undefined
}

/**
 * Opens a detached mount of a folder or file whose owners are mapped: what belongs to an id `inside` on the file
 * system belongs to the id `outside` in the mount, and what is made there as `outside` is stored as `inside`. With the
 * maps of a process's user namespace it sees the files as they are stored: one image, never changed, serves any number
 * of maps.
 *
 * Attach it with `moveMount` of `@ctr/linux`, or in `prepare`, with its number in `prepareFds`.
 *
 * @param maps - Maps, or a descriptor of a user namespace that has them (see {@link openUserNamespace}).
 * @returns A descriptor of the mount, the caller's to close; unless it is attached it goes with it.
 * @throws {@link NamespacesError} `ERR_NAMESPACES_IDMAPPED_MOUNT`: the file system cannot be mapped (`EINVAL`; most can
 *   since Linux 6.3, overlay since 5.19 by its layers), or is mapped already or not ours to map (`EPERM`);
 *   `ERR_NAMESPACES_INVALID_ARG`, `ERR_NAMESPACES_ID_MAP`.
 * @see {@link https://man7.org/linux/man-pages/man2/mount_setattr.2.html}
 */
export async function openIdmappedMount(
  path: string,
  maps: IdMaps | { readonly fd: number },
  { recursive = false }: IdmappedMountOptions = {},
): Promise<number> {
  using made = 'fd' in maps ? undefined : new Fd(await openUserNamespace(maps))
  const userns = 'fd' in maps ? maps.fd : made!.number
  let mount: Fd | undefined
  try {
    mount = new Fd(cloneMount(path, { recursive }))
    mountSetattr(mount.number, { set: MOUNT_ATTR_IDMAP, userns }, { recursive })
    return mount.release()
  } catch (cause) {
    mount?.close()
    if (!isSyscallError(cause)) throw cause
    const unsupported = cause.syscall === 'mount_setattr' && cause.code === 'EINVAL'
    throw new NamespacesError(
      'ERR_NAMESPACES_IDMAPPED_MOUNT',
      `cannot map the ids of ${path}: ${unsupported ? 'its file system, or one below it, has no idmapped mounts on this kernel' : cause.message}`,
      { cause },
    )
  }
}
