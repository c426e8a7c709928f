import { networkInterfaces } from 'node:os'
import { formatBytes } from './report.js'

/**
 * Looks around with nothing but a POSIX shell, so that the same script runs on the host, in an image of
 * its programs, and in any image that has a shell. Prints `name=value` lines.
 */
export const observer = `
say() { echo "$1=$2"; }
first() { for file; do if [ -r "$file" ]; then cat_line < "$file"; return; fi; done; }
cat_line() { read -r line; echo "$line"; }
say hostname "$(cat_line < /proc/sys/kernel/hostname)"
say kernel "$(cat_line < /proc/sys/kernel/osrelease)"
say init "$(cat_line < /proc/1/comm)"
set -- /proc/[0-9]*; say processes $#
set -- /dev/*; say devices $#
set -- /*; say root $#
n=0; while read -r line; do n=$((n + 1)); done < /proc/self/mountinfo; say mounts $n
links=; while read -r name rest; do case $name in *:*) links="$links \${name%%:*}";; esac; done < /proc/self/net/dev
say interfaces "$links"
while read -r key value rest; do
  case $key in Uid:) say uid "$value";; CapEff:) say capabilities "$value";; Seccomp:) say seccomp "$value";; esac
done < /proc/self/status
while read -r inside outside size; do say map "$inside $outside $size"; break; done < /proc/self/uid_map
say memory "$(first /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max)"
say cpu "$(first /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max)"
say pids "$(first /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max)"
`

/** What {@link observer} printed, by name. */
export type Observation = ReadonlyMap<string, string>

/** Reads what the observer printed. */
export function parseObservation(printed: string): Observation {
  return new Map(
    printed
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).trim()]),
  )
}

/** The rows of a table: what it is, what the host sees, what the container sees. */
export function compare(host: Observation, container: Observation, address: string | null): string[][] {
  const row = (title: string, name: string, show = (value: string): string => value): string[] => [
    title,
    ...[host, container].map((seen) => {
      const value = seen.get(name)
      return value === undefined ? '?' : show(value)
    }),
  ]
  return [
    row('host name', 'hostname'),
    row('kernel', 'kernel'),
    row('process 1', 'init'),
    row('processes', 'processes'),
    row('user', 'uid', (uid) => (uid === '0' ? 'root' : uid)),
    row('its root is user', 'map', (map) => map.split(/\s+/)[1] ?? '?'),
    row('capabilities', 'capabilities', countBits),
    row('system call filter', 'seccomp', (mode) => (mode === '2' ? 'on' : 'off')),
    row('mounts', 'mounts'),
    row('entries of /', 'root'),
    row('entries of /dev', 'devices'),
    row('interfaces', 'interfaces', shortened),
    ['IPv4 address', hostAddress(), address ?? 'none'],
    row('memory limit', 'memory', (limit) => amount(limit, formatBytes)),
    row('processors', 'cpu', processors),
    row('process limit', 'pids', (limit) => amount(limit, String)),
  ]
}

function countBits(hex: string): string {
  return String(BigInt(`0x${hex}`).toString(2).replaceAll('0', '').length)
}

function shortened(names: string): string {
  return names.length <= 24 ? names : `${names.slice(0, 22)} …`
}

/** No limit is an empty line (no such file), `max`, or on v1 a number beyond all memory. */
function amount(limit: string, format: (value: number) => string): string {
  return limit === '' || limit === 'max' || Number(limit) > 2 ** 62 ? 'none' : format(Number(limit))
}

/** v1 has the quota alone, its period being 100 ms; v2 has both. */
function processors(limit: string): string {
  const [quota = '', period = '100000'] = limit.split(' ')
  return quota === '' || quota === '-1' || quota === 'max' ? 'all' : String(Number(quota) / Number(period))
}

function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? 'none'
}
