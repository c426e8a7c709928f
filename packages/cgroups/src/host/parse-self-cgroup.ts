/** One line of `/proc/PID/cgroup`: a hierarchy and the process's group in it. */
export interface Membership {
  /** 2 for the line `0::/path`, else 1. */
  readonly version: 1 | 2
  /** The controllers of a v1 hierarchy, `name=x` for a named one; empty on v2. */
  readonly controllers: readonly string[]
  /** The group's path, from the hierarchy's root (or that of the cgroup namespace). */
  readonly path: string
}

/**
 * Reads `/proc/PID/cgroup`. Pure.
 *
 * @param text - The file, read as UTF-8.
 * @see {@link https://man7.org/linux/man-pages/man7/cgroups.7.html}
 */
export function parseSelfCgroup(text: string): Membership[] {
  const found: Membership[] = []
  for (const line of text.split('\n')) {
    // a group's path may hold colons and commas, the first two fields only the latter
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line)
    if (!match) continue
    const controllers = match[2]!.split(',').filter(Boolean)
    found.push({ version: controllers.length === 0 ? 2 : 1, controllers, path: match[3]! })
  }
  return found
}
