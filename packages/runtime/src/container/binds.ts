import { Fd } from '@ctr/linux'
import { openIdmappedMount } from '@ctr/namespaces'
import type { Context } from '../context.js'
import type { Bind } from '../setup/container-setup.js'
import type { ContainerUserNamespace } from '../userns/open-user-namespace.js'
import { isImageSource, openImageMount } from './image-mount.js'
import { openMount, openSource, type MountSource } from './mount-source.js'

/** What is to be mounted in a container. */
export interface WantedBind extends Bind, MountSource {
  /** Shown with the ids of the container's user namespace, where it has one of its own. */
  readonly idmap: boolean
}

/** The volumes of a container, as its set-up takes them. */
export interface Binds extends Disposable {
  readonly all: readonly Bind[]
}

/**
 * Opens what a container's first process is not to find by itself: all of a container with a user namespace of its own,
 * whose root may not pass all folders on the way, parts of volumes, images, mounts that spread, and those without what is
 * mounted below them.
 *
 * @throws `NamespacesError` `ERR_NAMESPACES_IDMAPPED_MOUNT`: the ids of one cannot be mapped.
 */
export async function openBinds(
  context: Context,
  wanted: readonly WantedBind[],
  userns: ContainerUserNamespace | undefined,
): Promise<Binds> {
  const opened: Fd[] = []
  const close = (): void => {
    for (const fd of opened) fd.close()
  }
  const all: Bind[] = []
  try {
    for (const bind of wanted) {
      const mount = await openBind(context, bind, userns)
      if (mount !== undefined) opened.push(mount)
      all.push(mount === undefined ? bind : { ...bind, mount: mount.number })
    }
  } catch (error) {
    close()
    throw error
  }
  return { all, [Symbol.dispose]: close }
}

async function openBind(
  context: Context,
  bind: WantedBind,
  userns: ContainerUserNamespace | undefined,
): Promise<Fd | undefined> {
  if (isImageSource(bind)) return await openImageMount(context, bind)
  if (userns !== undefined && bind.idmap) {
    using source = openSource(bind)
    return new Fd(await openIdmappedMount(source.path, userns, { recursive: bind.recursive ?? true }))
  }
  const isPlain = bind.subpath === undefined && bind.propagation === undefined && bind.recursive !== false
  return userns === undefined && isPlain ? undefined : openMount(bind)
}
