import { link, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from '../abort.js'
import { io, removeFile } from '../blobs/durable.js'
import { isOwnerGone, ownerToken } from '../blobs/owner.js'
import { errnoOf, RegistryError } from '../errors.js'

/** Work under a lock is short; a live owner that keeps it longer than this is stuck. */
const timeoutMs = 30_000
/** A lock of an owner that we cannot see is broken after this time. */
const foreignLifeMs = 120_000

/**
 * Runs `work` while nobody else, in this process or another, runs work under the same lock file. The file
 * is a hard link, so it appears with its owner's token in it; the lock of an owner that has ended is broken.
 */
export async function withFolderLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  await io(`lock ${path}`, () => acquire(path, signal, timeoutMs))
  try {
    return await work()
  } finally {
    await removeFile(path)
  }
}

/**
 * Takes a lock for as long as a process wants a folder for itself: at once, or not at all when an owner that
 * lives has it. `release` gives it back.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_STORE`: somebody else has it.
 */
export async function holdFolderLock(path: string): Promise<{ release(): Promise<void> }> {
  await io(`lock ${path}`, () => acquire(path, undefined, 0))
  // whoever cannot see this process can see that the lock is fresh
  const refresh = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined) // the folder was removed below us
  }, foreignLifeMs / 4).unref()
  return {
    async release() {
      clearInterval(refresh)
      await removeFile(path)
    },
  }
}

async function acquire(path: string, signal: AbortSignal | undefined, waitMs: number): Promise<void> {
  const token = ownerToken()
  const temporary = `${path}~${token}`
  const deadline = Date.now() + waitMs
  await writeFile(temporary, token, { flag: 'wx' })
  try {
    for (let n = 0; !(await tryLink(temporary, path)); n++) {
      throwIfAborted(signal)
      const holder = await readHolder(path)
      if (holder === undefined) continue
      if (isOwnerGone(holder.token, holder.ageMs, foreignLifeMs)) {
        await breakLock(path, holder.token, signal)
      } else if (Date.now() >= deadline) {
        const [process = ''] = holder.token.split('.')
        throw new RegistryError(
          'ERR_REGISTRY_STORE',
          `cannot lock ${path}: process ${process} has it${waitMs === 0 ? '' : `, for more than ${waitMs} ms`}`,
        )
      } else {
        await sleep(Math.min(2 ** n, 25))
      }
    }
  } finally {
    await removeFile(temporary)
  }
}

/**
 * Removes the lock of an owner that has ended. A second lock, named after that owner, makes sure that only
 * one process does so, and that the lock it removes is still that owner's and not a new one.
 */
async function breakLock(path: string, token: string, signal: AbortSignal | undefined): Promise<void> {
  await withFolderLock(`${path}.${token.slice(-12)}`, signal, async () => {
    if ((await readHolder(path))?.token === token) await removeFile(path)
  })
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

async function readHolder(
  path: string,
): Promise<{ readonly token: string; readonly ageMs: number } | undefined> {
  try {
    const { mtimeMs } = await stat(path)
    return { token: await readFile(path, 'latin1'), ageMs: Date.now() - mtimeMs }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
