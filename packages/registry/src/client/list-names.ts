import { RegistryError } from '../errors.js'
import { readBody } from '../http/read-body.js'
import { nextAddress } from '../http/follow.js'
import { parseJsonObject, stringsAt } from '../manifest/json-shape.js'
import type { Session } from './session.js'

const maxPageBytes = 4 * 1024 ** 2
/** Pages of a list; the largest public registries need far fewer. */
const maxPages = 2_500

/**
 * Walks through a paged list of names: `tags/list` or `_catalog`. Pages are asked for one by one as they are
 * used, follow `Link` on the registry's own origin only, at most 2,500; a `Link` in a circle is an error.
 */
export async function* listNames(
  session: Session,
  what: string,
  path: string,
  member: 'tags' | 'repositories',
  scopes: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void> {
  const home = await session.origin(signal)
  let url: URL | undefined = new URL(path, home)
  const visited = new Set<string>()
  while (url !== undefined) {
    if (visited.has(url.href) || url.origin !== home.origin) {
      throw new RegistryError(
        'ERR_REGISTRY_PROTOCOL',
        `cannot ${what}: the Link header leads in a circle or away`,
      )
    }
    visited.add(url.href)
    if (visited.size > maxPages) {
      throw new RegistryError(
        'ERR_REGISTRY_TOO_LARGE',
        `cannot ${what}: the list has more than ${maxPages} pages`,
      )
    }
    const answer = await session.call({ what, method: 'GET', target: url, scopes, expect: [200], signal })
    const text = (await readBody(answer, what, maxPageBytes)).toString('utf8')
    const names = stringsAt(parseJsonObject(text, `answer to ${path}`)[member], member)
    yield* names
    url = names.length === 0 ? undefined : nextPage(answer.headers.link, url, what)
  }
}

/** The address that a `Link` header gives as the next page. */
export function nextPage(link: string | string[] | undefined, base: URL, what: string): URL | undefined {
  const match = typeof link === 'string' ? /<([^<>]{1,4096})>\s*;\s*rel="?next"?/.exec(link) : null
  return match === null ? undefined : nextAddress(what, match[1]!, base)
}
