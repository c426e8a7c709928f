import { lstatSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Where a runtime keeps what survives a reboot: `/var/lib/ctrjs`, an ordinary user's in its data folder. */
export function defaultRoot(): string {
  if (process.geteuid?.() === 0) return '/var/lib/ctrjs'
  return join(variable('XDG_DATA_HOME') ?? join(homedir(), '.local/share'), 'ctrjs')
}

/**
 * Where it keeps what does not: `/run/ctrjs`, an ordinary user's in its runtime folder. Where there is none, as
 * without a login session, in its state folder: never where others could put something in our way, as in `/tmp`.
 */
export function defaultState(): string {
  return process.geteuid?.() === 0 ? '/run/ctrjs' : join(userState(), 'ctrjs')
}

/** The folder of an ordinary user's things that a reboot ends. */
export function userState(): string {
  const uid = process.geteuid?.()
  const given = variable('XDG_RUNTIME_DIR')
  const runtime = [given, `/run/user/${String(uid)}`].find((path) => path !== undefined && isOurs(path, uid))
  return runtime ?? variable('XDG_STATE_HOME') ?? join(homedir(), '.local/state')
}

/** The XDG specification has relative paths ignored. */
function variable(name: string): string | undefined {
  const value = process.env[name]
  return value !== undefined && isAbsolute(value) ? value : undefined
}

/** A folder that belongs to us and that nobody else can write to: after `su` the variable still names another's. */
function isOurs(path: string, uid: number | undefined): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat?.isDirectory() === true && stat.uid === uid && (stat.mode & 0o022) === 0
}
