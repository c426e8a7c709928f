import { Fd } from '@ctr/linux'
import { openUserNamespace } from '@ctr/namespaces'
import type { Context } from '../context.js'
import type { Rollback } from '../rollback.js'
import { claimIds, releaseIds } from './claim-ids.js'
import type { ContainerIds } from './container-ids.js'
import type { UserNamespaceOption } from './option.js'

/** The user namespace of a container that root starts, with nobody in it yet. */
export interface ContainerUserNamespace extends Disposable {
  readonly fd: number
  readonly ids: ContainerIds
}

/**
 * Claims the ids of a container and makes its user namespace, which its network namespace, root and volumes are made
 * for before its first process joins it. Undefined where it has none of its own.
 *
 * @throws `RuntimeError`, `NamespacesError`
 */
export async function openContainerUserNamespace(
  context: Context,
  id: string,
  option: UserNamespaceOption,
  rollback: Rollback,
): Promise<ContainerUserNamespace | undefined> {
  if (option === 'host') return undefined
  rollback.defer(() => {
    releaseIds(context, id)
  })
  const ids = claimIds(context, id, option)!
  const fd = new Fd(await openUserNamespace(ids.maps))
  return {
    fd: fd.number,
    ids,
    [Symbol.dispose]() {
      fd.close()
    },
  }
}
