import { AT_FDCWD, cloneMount, Fd, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '@ctr/linux'
import { systemError } from '../errors.js'
import { asRoot, type StoreUserNamespace } from '../ids/user-namespace.js'

/** Makes a detached mount of a folder that is a whole root file system by itself. */
export function mountFolder(folder: string, namespace: StoreUserNamespace | undefined): Fd {
  try {
    if (namespace === undefined) return new Fd(cloneMount(folder))
    const flags = OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC
    return new Fd(
      asRoot(namespace, (program) => program.call('open_tree', [AT_FDCWD, folder, flags]), { mounts: true }),
    )
  } catch (error) {
    throw systemError('mount', folder, error)
  }
}
