/** A mount, `mounts` of the OCI runtime specification. */
export interface LinuxMount {
  /** Where, inside the container. */
  readonly destination: string
  readonly type?: string | undefined
  readonly source?: string | undefined
  /** Flags by name (`nosuid`) and options of the file system (`mode=755`). */
  readonly options?: readonly string[] | undefined
}

/** Size of `/dev/shm` unless asked for otherwise: 64 MiB, in bytes. */
export const DEFAULT_SHM_SIZE = 64 * 1024 ** 2

/**
 * Docker's default mounts of a container, in the order in which they are made.
 *
 * @param shmSize - Size of `/dev/shm` in **bytes**. Default {@link DEFAULT_SHM_SIZE}.
 */
export function defaultMounts(shmSize: number = DEFAULT_SHM_SIZE): readonly LinuxMount[] {
  return [
    mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
    mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
    // gid 5 is the group tty
    mount(
      '/dev/pts',
      'devpts',
      'devpts',
      'nosuid',
      'noexec',
      'newinstance',
      'ptmxmode=0666',
      'mode=0620',
      'gid=5',
    ),
    mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
    mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'ro', 'nosuid', 'noexec', 'nodev'),
    mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
    mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmSize}`),
  ]
}

function mount(destination: string, type: string, source: string, ...options: readonly string[]): LinuxMount {
  return { destination, type, source, options }
}
