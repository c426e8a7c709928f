import { readdirSync, readlinkSync } from 'node:fs'

/**
 * Descriptors that were handed to this process for the container, among the `count` from 3 on. Where the caller
 * counted more than it gave, the numbers behind belong to Node: its event loop must not come into a container.
 *
 * @param count - What the caller says it has given.
 */
export function givenFds(count: number): number[] {
  if (count === 0) return []
  const links = openDescriptors()
  const seen = new Map<string, number>()
  for (const link of links.values()) seen.set(link, (seen.get(link) ?? 0) + 1)
  return [...links]
    .filter(([fd, link]) => fd >= 3 && fd < 3 + count && !isNodesOwn(link, seen.get(link)!))
    .map(([fd]) => fd)
}

/** Event queues, and pipes of which both ends are here. */
function isNodesOwn(link: string, times: number): boolean {
  return /^anon_inode:\[?(event|io_uring)/.test(link) || (link.startsWith('pipe:') && times > 1)
}

function openDescriptors(): Map<number, string> {
  const links = new Map<number, string>()
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      links.set(Number(name), readlinkSync(`/proc/self/fd/${name}`))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // that of the folder itself
    }
  }
  return links
}
