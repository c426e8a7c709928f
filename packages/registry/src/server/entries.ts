import { mkdir, open, readdir, readFile, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile, syncFolder } from '../blobs/durable.js'
import { errnoOf } from '../errors.js'

/** True when there is something at the path. */
export async function isThere(path: string): Promise<boolean> {
  return (await touchedAt(path)) !== undefined
}

/** When the file was made or touched, in milliseconds since 1970; `undefined` when there is none. */
export async function touchedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** A small file's text; `undefined` when there is none. */
export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** What a folder has; nothing when there is none. */
export async function list(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}

/**
 * Makes an empty file that survives a crash of the machine. Its being there is all it says.
 *
 * @returns False when it was there; it counts as touched then.
 */
export async function mark(path: string): Promise<boolean> {
  try {
    await withFolder(path, async () => (await open(path, 'wx', 0o644)).close())
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    await touch(path)
    return false
  }
  await syncFolder(dirname(path))
  return true
}

/** Says that a file was used now. */
export async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now)
}

/** Writes a small file whole. */
export async function write(path: string, text: string, temporaryFolder: string): Promise<void> {
  await withFolder(path, () => replaceFile(path, text, temporaryFolder))
}

/** Makes the folder of a file when it is missing: mostly it is there. */
async function withFolder(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    await work()
  }
}
