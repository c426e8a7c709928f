import { readFileSync } from 'node:fs'

let known: string | undefined

/** Identifies this boot of the kernel (`/proc/sys/kernel/random/boot_id`). */
export function bootId(): string {
  known ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return known
}
