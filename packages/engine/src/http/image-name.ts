import type { Query } from './query.js'

/** Whether a name has a tag or a digest. */
export function hasTag(name: string): boolean {
  return /[:@][^/]*$/.test(name)
}

/** A name with the tag or digest that the query has for it; `latest` where neither says any. */
export function withTag(name: string, tag: string | undefined): string {
  if (tag === undefined) return hasTag(name) ? name : `${name}:latest`
  return tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`
}

/** The name of a new image by `repo` and `tag`; undefined for one without. */
export function namedByQuery(query: Query): string | undefined {
  const repository = query.text('repo')
  return repository === undefined ? undefined : withTag(repository, query.text('tag'))
}
