import { mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Folder for compiled code, made where it is missing: `$XDG_CACHE_HOME/PROGRAM`, else `/var/cache/PROGRAM` for
 * root and `~/.cache/PROGRAM` for others. Node's own default lies below the system's temporary folder, where
 * others could put code that we would run.
 *
 * @param program - Name of the executable.
 * @returns Undefined when there is none that only we can write to; then nothing is cached.
 */
export function cacheFolder(program: string): string | undefined {
  const uid = process.geteuid?.()
  const xdg = process.env['XDG_CACHE_HOME']
  const folder =
    xdg !== undefined && xdg !== ''
      ? join(xdg, program)
      : uid === 0
        ? join('/var/cache', program)
        : join(homedir(), '.cache', program)
  try {
    const found = statSync(folder, { throwIfNoEntry: false })
    if (found === undefined) make(folder)
    return isOnlyOurs(found ?? statSync(folder)) ? folder : undefined
  } catch {
    return undefined // a read-only system, or no home: everything works without
  }
}

/** Makes a folder and the one around it. (Where nothing can be made, in /proc say, a recursive mkdir never ends.) */
function make(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    mkdirSync(dirname(folder), { mode: 0o700 })
    mkdirSync(folder, { mode: 0o700 })
  }
}

/** True for what belongs to us and nobody else may write to. */
export function isOnlyOurs({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0
}
