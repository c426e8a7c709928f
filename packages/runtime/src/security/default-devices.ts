/** A device node, `linux.devices` of the OCI runtime specification. */
export interface LinuxDevice {
  readonly path: string
  /** Character, block, unbuffered character (as `c`), or FIFO. */
  readonly type: 'c' | 'b' | 'u' | 'p'
  readonly major: number
  readonly minor: number
  /** Permission bits. */
  readonly fileMode?: number | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** A rule for access to devices, `linux.resources.devices` of the OCI runtime specification. The last match decides. */
export interface LinuxDeviceCgroup {
  readonly allow: boolean
  /** `a`, or unset, is both kinds. */
  readonly type?: 'a' | 'b' | 'c' | undefined
  /** Unset: every number. */
  readonly major?: number | undefined
  readonly minor?: number | undefined
  /** Letters of `rwm`: read, write, mknod(2). Unset: all three. */
  readonly access?: string | undefined
}

/** A symbolic link below `/dev`. */
export interface DeviceLink {
  readonly path: string
  readonly target: string
}

const node = (path: string, major: number, minor: number): LinuxDevice => ({
  path,
  type: 'c',
  major,
  minor,
  fileMode: 0o666,
  uid: 0,
  gid: 0,
})

/**
 * Device nodes that every container has, with mode 0666 and owner root. `/dev/console` comes with a terminal only.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices}
 */
export const defaultDevices: readonly LinuxDevice[] = [
  node('/dev/null', 1, 3),
  node('/dev/zero', 1, 5),
  node('/dev/full', 1, 7),
  node('/dev/random', 1, 8),
  node('/dev/urandom', 1, 9),
  node('/dev/tty', 5, 0),
]

/** Symbolic links that every container has in its `/dev`. */
export const defaultDeviceLinks: readonly DeviceLink[] = [
  { path: '/dev/ptmx', target: 'pts/ptmx' },
  { path: '/dev/fd', target: '/proc/self/fd' },
  { path: '/dev/stdin', target: '/proc/self/fd/0' },
  { path: '/dev/stdout', target: '/proc/self/fd/1' },
  { path: '/dev/stderr', target: '/proc/self/fd/2' },
  { path: '/dev/core', target: '/proc/kcore' },
]

const allow = (major: number, minor?: number, access = 'rwm'): LinuxDeviceCgroup => ({
  allow: true,
  type: 'c',
  major,
  minor,
  access,
})

/**
 * Access to devices: nothing but the default devices, `/dev/console` (5:1), `/dev/ptmx` (5:2) and the terminals of
 * devpts (136:*). Nodes of any device may be made (`m`), which without access gives nothing.
 */
export const defaultDeviceRules: readonly LinuxDeviceCgroup[] = [
  { allow: false, type: 'a', access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...defaultDevices.map(({ major, minor }) => allow(major, minor)),
  allow(5, 1),
  allow(5, 2),
  allow(136),
]
