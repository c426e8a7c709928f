import { createHash } from 'node:crypto'
import { closeFd, isSyscallError } from '@ctr/linux'
import { findIdMaps, isNamespacesError, openUserNamespace, type IdMaps } from '@ctr/namespaces'
import type { StoreUserNamespace } from '@ctr/overlay'
import { RuntimeError } from '../errors.js'
import type { TerminalNamespace } from '../setup/terminal.js'
import { ContainerIds } from '../userns/container-ids.js'
import { Turns } from './turns.js'

/** How an ordinary user's containers are made: in user namespaces, with the ids that the user may map. */
export class Rootless implements Disposable {
  /** Of every container: the user is root inside, its subordinate ids are the others. */
  readonly ids: ContainerIds
  /** A user namespace with the same maps that no process is in: layers are unpacked and mounted with its ids. */
  readonly namespace: StoreUserNamespace
  /** A child that is on its way into a container hides this process from those who write another's maps. */
  readonly turns = new Turns()

  private constructor(maps: IdMaps, limited: string | undefined, fd: number) {
    this.ids = new ContainerIds(maps, {
      limited,
      remedy: 'the ranges in /etc/subuid and /etc/subgid are too small',
    })
    this.namespace = { fd, singleId: limited !== undefined }
  }

  /**
   * @throws {@link RuntimeError} `ERR_RUNTIME_START`: no user namespace can be made.
   */
  static async open(): Promise<Rootless> {
    const { maps, limited } = findIdMaps()
    try {
      return new Rootless(maps, limited, await openUserNamespace(maps))
    } catch (cause) {
      if (!isSyscallError(cause) && !isNamespacesError(cause)) throw cause
      throw new RuntimeError(
        'ERR_RUNTIME_START',
        `cannot make containers as user ${String(process.geteuid?.())}: no user namespace can be made (${String(cause)}); ` +
          'the host must allow them to ordinary users (sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone, ' +
          'kernel.apparmor_restrict_unprivileged_userns), or run as root',
        { cause },
      )
    }
  }

  /** Names what layers are unpacked with these maps: with others, the same files would belong to somebody else. */
  get mapsName(): string {
    return createHash('sha256').update(JSON.stringify(this.ids.maps)).digest('hex').slice(0, 8)
  }

  /** Where the terminals of containers are made. */
  get namespaceOfTerminals(): TerminalNamespace {
    return { fd: this.namespace.fd, ids: this.ids }
  }

  [Symbol.dispose](): void {
    closeFd(this.namespace.fd)
  }
}
