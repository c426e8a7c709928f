/**
 * Paths that no container may read, as in the newest Docker: a file is covered by `/dev/null`, a folder by an empty
 * read-only tmpfs; those that the kernel does not have are skipped. See {@link maskedPaths} for those of each CPU.
 */
export const defaultMaskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]

/** Paths that a container may read and not write: each is bound over itself, read-only. */
export const defaultReadonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]

// The kernel's own limit is 8192 (NR_CPUS).
const MAX_CPUS = 8192

/**
 * {@link defaultMaskedPaths} and the `thermal_throttle` folder of each CPU, whose counters tell what other
 * containers do. Not every machine has these folders; skip what does not exist, as for every masked path.
 *
 * @param possibleCpus - Text of `/sys/devices/system/cpu/possible`, a list like `0-3,8`. Anything else in it is
 *   ignored. Empty: no folders of CPUs.
 */
export function maskedPaths(possibleCpus: string): readonly string[] {
  const cpus = new Set<number>()
  for (const part of possibleCpus.trim().split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part)
    if (match === null) continue
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    for (let cpu = first; cpu <= last && cpu < MAX_CPUS; cpu++) cpus.add(cpu)
  }
  const folders = [...cpus].map((cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`)
  return [...defaultMaskedPaths, ...folders]
}
