import { AT_FDCWD, Fd, MNT_DETACH, moveMount, umount2, UMOUNT_NOFOLLOW } from '@ctr/linux'
import { errnoOf, OverlayError, systemError } from '../errors.js'

/** Settings of {@link MountedRoot.unmount}. */
export interface UnmountOptions {
  /** Let those who still use the mount finish: it is gone for everybody else at once. Default false. */
  readonly lazy?: boolean | undefined
}

/** A root file system that is mounted at a path. Unmounts itself at the end of an `await using` block. */
export class MountedRoot implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string
  #mounted = true

  private constructor(path: string) {
    this.path = path
  }

  /**
   * Attaches a detached mount at a folder.
   *
   * @param mount - A detached mount, from {@link mountOverlay}. Closed, also when this fails.
   * @param path - A folder that exists; what it holds is hidden meanwhile.
   * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`: there is no such folder.
   */
  static attach(mount: Fd, path: string): MountedRoot {
    try {
      moveMount(mount.number, AT_FDCWD, path)
    } catch (error) {
      throw systemError('attach a root file system at', path, error)
    } finally {
      mount.close()
    }
    return new MountedRoot(path)
  }

  /**
   * Unmounts. Idempotent.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_IN_USE`: a process works in it or has a file of it open.
   */
  async unmount({ lazy = false }: UnmountOptions = {}): Promise<void> {
    if (!this.#mounted) return
    try {
      umount2(this.path, UMOUNT_NOFOLLOW + (lazy ? MNT_DETACH : 0))
    } catch (error) {
      switch (errnoOf(error)) {
        case 'EINVAL': // somebody else has unmounted it
        case 'ENOENT':
          break
        case 'EBUSY':
          throw new OverlayError(
            'ERR_OVERLAY_IN_USE',
            `cannot unmount ${this.path}: something still uses it`,
            {
              cause: error,
              path: this.path,
            },
          )
        default:
          throw systemError('unmount', this.path, error)
      }
    }
    this.#mounted = false
    return Promise.resolve()
  }

  /** Unmounts lazily, so that a process that still works in it does not keep it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount({ lazy: true })
  }
}
