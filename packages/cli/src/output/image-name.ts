import { formatReference, parseReference } from '@ctr/registry'

/** A name of an image as people write it: `busybox:latest`. */
export function shortName(reference: string): string {
  return formatReference(parseReference(reference), { short: true })
}

/** Repository and tag of a name in full, for a table. */
export function repositoryAndTag(reference: string): { readonly repository: string; readonly tag: string } {
  const { tag = '<none>', registry, repository } = parseReference(reference)
  return { repository: formatReference({ registry, repository }, { short: true }), tag }
}
