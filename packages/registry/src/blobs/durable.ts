import { open, rename, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, isRegistryError, messageOf, RegistryError } from '../errors.js'
import { isAbortError } from '../abort.js'
import { ownerToken } from './owner.js'

/** Makes what was renamed into or unlinked from a folder survive a crash of the machine. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Replaces a small file whole: whoever reads it, and whenever the machine stops, sees the old or the new one.
 *
 * @param temporaryFolder - On the same file system.
 */
export async function replaceFile(path: string, text: string, temporaryFolder: string): Promise<void> {
  const temporary = join(temporaryFolder, `${basename(path)}~${ownerToken()}`)
  try {
    await writeFile(temporary, text, { flag: 'wx', flush: true, mode: 0o644 })
    await rename(temporary, path)
  } catch (error) {
    await removeFile(temporary)
    throw error
  }
  await syncFolder(dirname(path))
}

/** Unlinks a file that may be gone already. True when it was there. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

/** Runs file-system work; an errno becomes `ERR_REGISTRY_IO` with the errno as its cause. */
export async function io<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw ioError(what, error)
  }
}

/** The error of {@link io}: ours and aborts stay what they are. */
export function ioError(what: string, error: unknown): unknown {
  if (isRegistryError(error) || isAbortError(error)) return error
  return new RegistryError('ERR_REGISTRY_IO', `cannot ${what}: ${messageOf(error)}`, { cause: error })
}
