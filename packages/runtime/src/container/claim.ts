import type { Context } from '../context.js'
import type { Rollback } from '../rollback.js'

/** Claims the id of a container that is to be made, until it has a record. */
export function claimContainer({ owner, records }: Context, id: string, rollback: Rollback): void {
  owner.claim(id)
  rollback.defer(() => {
    records.remove(id)
    owner.settled(id)
  })
}
