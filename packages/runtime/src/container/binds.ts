import { cloneMount, Fd } from '@ctr/linux'
import { openIdmappedMount } from '@ctr/namespaces'
import type { Bind } from '../setup/container-setup.js'
import type { ContainerUserNamespace } from '../userns/open-user-namespace.js'

/** What is to be mounted in a container. */
export interface WantedBind extends Bind {
  /** Shown with the ids of the container's user namespace, where it has one of its own. */
  readonly idmap: boolean
}

/** The volumes of a container, as its set-up takes them. */
export interface Binds extends Disposable {
  readonly all: readonly Bind[]
}

/**
 * Opens the volumes of a container with a user namespace of its own: its root may not pass all folders on the way to
 * them. Those of others are opened by the container's first process.
 *
 * @throws `NamespacesError` `ERR_NAMESPACES_IDMAPPED_MOUNT`: the ids of one cannot be mapped.
 */
export async function openBinds(
  wanted: readonly WantedBind[],
  userns: ContainerUserNamespace | undefined,
): Promise<Binds> {
  if (userns === undefined) return { all: wanted, [Symbol.dispose]: () => undefined }
  const opened: Fd[] = []
  const close = (): void => {
    for (const fd of opened) fd.close()
  }
  try {
    for (const { source, idmap } of wanted) {
      const recursive = { recursive: true }
      const mount = idmap ? await openIdmappedMount(source, userns, recursive) : cloneMount(source, recursive)
      opened.push(new Fd(mount))
    }
  } catch (error) {
    close()
    throw error
  }
  const all = wanted.map((bind, index) => ({ ...bind, mount: opened[index]!.number }))
  return { all, [Symbol.dispose]: close }
}
