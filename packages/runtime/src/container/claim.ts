import type { Context } from '../context.js'
import type { Rollback } from '../rollback.js'
import type { ContainerRecord } from './record.js'

/**
 * Claims the id of a container that is to be made or started, until its record says so.
 *
 * @param kept - As it was before, and will be again where that fails.
 */
export function claimContainer(
  { owner, records }: Context,
  id: string,
  rollback: Rollback,
  kept?: ContainerRecord,
): void {
  owner.claim(id)
  rollback.defer(() => {
    if (kept === undefined) records.remove(id)
    else records.save(kept)
    owner.settled(id)
  })
}
