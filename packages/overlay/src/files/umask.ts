import { readFileSync } from 'node:fs'

/** The umask of this process, as proc_pid_status(5) tells it: umask(2) would have to change it. Undefined without /proc. */
export function umask(): number | undefined {
  try {
    const [, octal] = /^Umask:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
    return octal === undefined ? undefined : Number.parseInt(octal, 8)
  } catch {
    return undefined
  }
}
