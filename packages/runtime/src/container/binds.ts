import { statSync } from 'node:fs'
import { cloneMount, Fd } from '@ctr/linux'
import { openIdmappedMount } from '@ctr/namespaces'
import { RuntimeError } from '../errors.js'
import type { Volume } from '../options.js'
import type { Bind } from '../setup/container-setup.js'
import type { ContainerUserNamespace } from '../userns/open-user-namespace.js'

/** The volumes of a container, as its set-up takes them. */
export interface Binds extends Disposable {
  readonly all: readonly Bind[]
}

/**
 * Looks at the volumes of a container. Those of one with a user namespace of its own are opened here: its root may not
 * pass all folders on the way to them.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: one does not exist.
 * @throws `NamespacesError` `ERR_NAMESPACES_IDMAPPED_MOUNT`: the ids of one cannot be mapped.
 */
export async function openBinds(
  volumes: readonly Volume[] = [],
  userns?: ContainerUserNamespace,
): Promise<Binds> {
  const opened: Fd[] = []
  const close = (): void => {
    for (const fd of opened) fd.close()
  }
  const all: Bind[] = []
  try {
    for (const volume of volumes) {
      const bind = bindOf(volume)
      if (userns === undefined) all.push(bind)
      else {
        const { source, idmap = false } = volume
        const recursive = { recursive: true }
        const mount = idmap
          ? await openIdmappedMount(source, userns, recursive)
          : cloneMount(source, recursive)
        opened.push(new Fd(mount))
        all.push({ ...bind, mount })
      }
    }
  } catch (error) {
    close()
    throw error
  }
  return { all, [Symbol.dispose]: close }
}

/**
 * A volume that the child is to open.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: it does not exist.
 */
function bindOf({ source, target, readOnly = false }: Volume): Bind {
  try {
    return { source, target, readOnly, kind: statSync(source).isDirectory() ? 'folder' : 'file' }
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot mount ${source} at ${target}: it does not exist on the host`,
      { cause },
    )
  }
}
