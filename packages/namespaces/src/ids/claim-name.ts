import type { IdRange } from './subordinate-ids.js'

/** Who has claimed ids: a name, or a process for as long as it lives. */
export type ClaimOwner =
  | { readonly name: string; readonly process?: undefined }
  | { readonly process: string; readonly name?: undefined }

/** Ids that are claimed. */
export interface ClaimedIds {
  readonly uid: IdRange
  readonly gid: IdRange
  readonly owner: ClaimOwner
}

/** The name of a claim's file, which is all that there is to it: it is there whole, or not at all. */
export function formatClaim({ uid, gid, owner }: ClaimedIds): string {
  const who = owner.name === undefined ? `p=${owner.process}` : `n=${owner.name}`
  return `${uid.first}-${gid.first}-${uid.size}-${who}`
}

/** Undefined for files of others. */
export function parseClaim(file: string): ClaimedIds | undefined {
  const match = /^(\d+)-(\d+)-(\d+)-([pn])=([\w.-]+)$/.exec(file)
  if (match === null) return undefined
  const [uid, gid, size] = match.slice(1, 4).map(Number) as [number, number, number]
  const who = match[5]!
  return {
    uid: { first: uid, size },
    gid: { first: gid, size },
    owner: match[4] === 'n' ? { name: who } : { process: who },
  }
}
