import { mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Folder for compiled code, made where it is missing: `$XDG_CACHE_HOME/ctrjs`, else `/var/cache/ctrjs` for root
 * and `~/.cache/ctrjs` for others. Node's own default lies below the system's temporary folder, where others
 * could put code that we would run.
 *
 * @returns Undefined when there is none that only we can write to; then nothing is cached.
 */
export function cacheFolder(): string | undefined {
  const uid = process.geteuid?.()
  const xdg = process.env['XDG_CACHE_HOME']
  const folder =
    xdg !== undefined && xdg !== ''
      ? join(xdg, 'ctrjs')
      : uid === 0
        ? '/var/cache/ctrjs'
        : join(homedir(), '.cache/ctrjs')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return isOnlyOurs(statSync(folder)) ? folder : undefined
  } catch {
    return undefined // a read-only system, or no home: everything works without
  }
}

/** True for what belongs to us and nobody else may write to. */
export function isOnlyOurs({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0
}
