import { unescapeMountField } from './unescape-mount-field.js'

/** One mount of a cgroup file system, from `/proc/PID/mountinfo`. */
export interface CgroupMount {
  /** 1 for the type `cgroup`, 2 for `cgroup2`. */
  readonly version: 1 | 2
  /** Where it is mounted, unescaped. */
  readonly mountpoint: string
  /** The group of the hierarchy that the mount shows as its top: `/` unless it is a bind mount or a container's. */
  readonly root: string
  /** Super options: on v1 the controllers and `name=...` are among them. */
  readonly options: readonly string[]
}

/**
 * Picks the cgroup mounts out of `/proc/PID/mountinfo`. Lines of other file systems and lines that are
 * not of the documented shape are passed over. Pure.
 *
 * @param text - The file, read as latin1 (paths may hold any byte).
 * @see {@link https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html}
 */
export function parseMountinfo(text: string): CgroupMount[] {
  const mounts: CgroupMount[] = []
  for (const line of text.split('\n')) {
    // cheap test first: hosts of many containers have thousands of mounts
    const separator = line.indexOf(' - cgroup')
    if (separator < 0) continue
    const [type, , options] = line.slice(separator + 3).split(' ')
    const [, , , root, mountpoint] = line.slice(0, separator).split(' ')
    if ((type !== 'cgroup' && type !== 'cgroup2') || root === undefined || mountpoint === undefined) continue
    mounts.push({
      version: type === 'cgroup' ? 1 : 2,
      mountpoint: unescapeMountField(mountpoint),
      root: unescapeMountField(root),
      options: (options ?? '').split(',').map((option) => unescapeMountField(option)),
    })
  }
  return mounts
}
