import { invalidConfig, shown } from './invalid-config.js'

/** What a sysctl belongs to. */
export type SysctlNamespace = 'ipc' | 'network' | 'uts'

const ipcNames: ReadonlySet<string> = new Set([
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
])

/**
 * File of a sysctl below `/proc/sys`. As for sysctl(8) the parts of the name are parted by dots, and a `/` stands for a
 * dot in a part; or, when the first of both is a `/`, the other way round.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: a part is empty, `.` or `..`.
 *
 * @example
 * sysctlFile('net.ipv4.conf.eth0/1.forwarding') // 'net/ipv4/conf/eth0.1/forwarding'
 * sysctlFile('net/ipv4/conf/eth0.1/forwarding') // the same
 */
export function sysctlFile(name: string): string {
  const separator = /[./]/.exec(name)?.[0] ?? '.'
  const parts = name.split(separator)
  const file = separator === '/' ? name : parts.map((part) => part.replaceAll('/', '.')).join('/')
  if (file.split('/').some((part) => part === '' || part === '.' || part === '..') || file.includes('\0')) {
    throw invalidConfig(`sysctl ${shown(name)} must be a name such as net.ipv4.ip_forward`)
  }
  return file
}

/** The namespace that has its own value of the sysctl with this {@link sysctlFile}; undefined when no namespace has. */
export function sysctlNamespace(file: string): SysctlNamespace | undefined {
  if (ipcNames.has(file) || file.startsWith('fs/mqueue/')) return 'ipc'
  if (file.startsWith('net/')) return 'network'
  if (file === 'kernel/hostname' || file === 'kernel/domainname') return 'uts'
  return undefined
}
