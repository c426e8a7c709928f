import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { errnoOf } from '../errors.js'

/**
 * A name for something of this process in a shared folder: process, its start time, pid namespace, boot,
 * and random digits. Others can tell from it whether the owner still lives.
 */
export function ownerToken(): string {
  const { pid } = process
  return [pid, startTime(pid), pidNamespace(), bootId(), randomBytes(6).toString('hex')].join('.')
}

/**
 * True when the owner of a token has ended for sure: its process is gone, or its number was given to another
 * one. Of owners in another pid namespace, or of another boot or machine, that cannot be known: they count as
 * gone when what they own has not changed for longer than `foreignMs`.
 */
export function isOwnerGone(token: string, ageMs: number, foreignMs: number): boolean {
  const [pid = '', start, namespace, boot] = token.split('.')
  if (!/^[1-9]\d{0,9}$/.test(pid)) return true
  if (namespace !== pidNamespace() || boot !== bootId()) return ageMs > foreignMs
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return true
  }
  return startTime(Number(pid)) !== start
}

/** Field 22 of /proc/PID/stat, proc_pid_stat(5); `0` where there is no /proc. */
function startTime(pid: number): string {
  const stat = readOr(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0'
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
  } catch {
    return '0' // no /proc: not Linux
  }
}

function bootId(): string {
  return readOr('/proc/sys/kernel/random/boot_id').slice(0, 8) || '0'
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // no /proc, or the process ended
  }
}
