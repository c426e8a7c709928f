import { readlinkSync } from 'node:fs'
import { join } from 'node:path'

const mostLinks = 40

/**
 * Where a path of a container leads when the links in its root file system are followed: the name that the
 * kernel and CRIU have for a mount there. Only a name: nothing is opened.
 *
 * @param root - The root file system on the host.
 * @param path - In the container.
 */
export function resolveInRoot(root: string, path: string): string {
  const rest = path.split('/')
  let found: string[] = []
  let links = 0
  while (rest.length > 0) {
    const name = rest.shift()!
    if (name === '' || name === '.') continue
    if (name === '..') {
      found.pop()
      continue
    }
    const target = linkAt(join(root, ...found, name))
    if (target === undefined) {
      found.push(name)
      continue
    }
    if (++links > mostLinks) return `/${[...found, name, ...rest].join('/')}`
    if (target.startsWith('/')) found = []
    rest.unshift(...target.split('/'))
  }
  return `/${found.join('/')}`
}

/** What the link at a path says; undefined for everything else, and where nothing is. */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
