import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { types } from 'node:util'
import { AT_FDCWD, isSyscallError, RENAME_NOREPLACE, renameat2 } from '@ctr/linux'
import { NetbridgeError } from '../errors.js'

/** True when an error of `node:fs` or of a system call is one of these. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return types.isNativeError(error) && codes.includes(String((error as NodeJS.ErrnoException).code))
}

/** Wraps what `node:fs` reported. */
export function stateError(action: string, error: unknown): NetbridgeError {
  const reason = types.isNativeError(error) ? error.message : String(error)
  const code = hasCode(error, 'EACCES', 'EPERM') ? 'ERR_NETBRIDGE_PERMISSION' : 'ERR_NETBRIDGE_STATE'
  return new NetbridgeError(code, `cannot ${action}: ${reason}`, { cause: error })
}

/** Makes a folder and those above it, for the owner's eyes only. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw stateError(`make the folder ${path}`, error)
  }
}

/** Names in a folder; none when the folder is not there. */
export function listFolder(path: string): string[] {
  return namesIn(path).filter((name) => !name.startsWith('.'))
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw stateError(`list ${path}`, error)
  }
}

/**
 * Writes a file that is there whole or not at all, unless one of that name exists. As a rule it is not synced to disk:
 * what these files describe are objects of the running kernel, which a power failure takes along.
 *
 * @param durable - It is on disk when this returns.
 * @returns False when there was one already.
 */
export function createFile(
  path: string,
  text: string,
  { durable = false }: { readonly durable?: boolean } = {},
): boolean {
  const temporary = temporaryPath(path)
  try {
    writeFileSync(temporary, text, { mode: 0o600 })
    if (durable) sync(temporary)
    renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE)
    if (durable) sync(dirname(path))
    return true
  } catch (error) {
    removeFile(temporary)
    if (isSyscallError(error) && error.code === 'EEXIST') return false
    throw stateError(`write ${path}`, error)
  }
}

/** Writes a file in the place of another one: whoever reads it sees the one or the other, whole. */
export function replaceFile(path: string, text: string): void {
  const temporary = temporaryPath(path)
  try {
    writeFileSync(temporary, text, { mode: 0o600 })
    renameSync(temporary, path)
  } catch (error) {
    removeFile(temporary)
    throw stateError(`write ${path}`, error)
  }
}

/** As {@link removeUnfinished} knows it. */
function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${Math.random().toString(36).slice(2)}`)
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Removes what {@link createFile} and {@link replaceFile} left in a folder when its process was killed, a minute ago or more. */
export function removeUnfinished(folder: string): void {
  for (const name of namesIn(folder).filter((entry) => entry.startsWith('.'))) {
    const path = join(folder, name)
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (Date.now() - written > 60_000) removeFile(path)
  }
}

/** Reads a file; undefined when there is none. */
export function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw stateError(`read ${path}`, error)
  }
}

/** Removes a file, if it is there. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw stateError(`remove ${path}`, error)
  }
}
