import { link, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from '../abort.js'
import { io, removeFile } from './durable.js'
import { isOwnerGone, ownerToken } from './owner.js'
import { errnoOf, RegistryError } from '../errors.js'

/** Work under a lock is short; a live owner that keeps it longer than this is stuck. */
const timeoutMs = 30_000
/** A lock of an owner that we cannot see is broken after this time. */
const foreignLifeMs = 120_000
/** How long whoever waits for a long work sleeps in between. */
const pollMs = 50

/** A lock that somebody has. */
export interface HeldLock {
  /** Gives it back. */
  release(): Promise<void>
}

/** What the file of a lock says. */
interface Holder {
  readonly token: string
  readonly ageMs: number
}

/**
 * Runs `work` while nobody else, in this process or another, runs work under the same lock file. The file
 * is a hard link, so it appears with its owner's token in it; the lock of an owner that has ended is broken.
 */
export async function withFolderLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  const wait = async (holder: Holder, n: number): Promise<true> => {
    if (performance.now() >= deadline) throw taken(path, holder, `, for more than ${timeoutMs} ms`)
    await sleep(Math.min(2 ** n, 25))
    return true
  }
  await io(`lock ${path}`, () => acquire(path, signal, wait))
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
export async function holdFolderLock(path: string): Promise<HeldLock> {
  const refuse = (holder: Holder): Promise<never> => Promise.reject(taken(path, holder, ''))
  await io(`lock ${path}`, () => acquire(path, undefined, refuse))
  return refreshed(path)
}

/**
 * Takes a lock for a work that may be long, and waits as long as its owner lives.
 *
 * @param waiting - Called now and then meanwhile.
 * @returns Undefined when the owner lives but has given no sign for {@link foreignLifeMs}: it is not waited for.
 */
export async function waitForFolderLock(
  path: string,
  signal: AbortSignal | undefined,
  waiting: () => Promise<void>,
): Promise<HeldLock | undefined> {
  const wait = async ({ ageMs }: Holder): Promise<boolean> => {
    if (ageMs > foreignLifeMs) return false
    await waiting()
    await sleep(pollMs)
    return true
  }
  return (await io(`lock ${path}`, () => acquire(path, signal, wait))) ? refreshed(path) : undefined
}

/** Removes a lock if its owner has ended. */
export async function removeDeadLock(path: string): Promise<void> {
  const holder = await readHolder(path)
  if (holder !== undefined && isGone(holder)) await breakLock(path, holder.token, undefined)
}

/** Whoever cannot see this process can see that the lock is fresh. */
function refreshed(path: string): HeldLock {
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

/** @param busy - Asked what to do when an owner that lives has it: go on trying, give up, or throw. */
async function acquire(
  path: string,
  signal: AbortSignal | undefined,
  busy: (holder: Holder, n: number) => Promise<boolean>,
): Promise<boolean> {
  const token = ownerToken()
  const temporary = `${path}~${token}`
  await writeFile(temporary, token, { flag: 'wx' })
  try {
    for (let n = 0; !(await tryLink(temporary, path)); n++) {
      throwIfAborted(signal)
      const holder = await readHolder(path)
      if (holder === undefined) continue
      if (isGone(holder)) await breakLock(path, holder.token, signal)
      else if (!(await busy(holder, n))) return false
    }
    return true
  } finally {
    await removeFile(temporary)
  }
}

function isGone({ token, ageMs }: Holder): boolean {
  return isOwnerGone(token, ageMs, foreignLifeMs)
}

function taken(path: string, { token }: Holder, howLong: string): RegistryError {
  const [process = ''] = token.split('.')
  return new RegistryError('ERR_REGISTRY_STORE', `cannot lock ${path}: process ${process} has it${howLong}`)
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

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { mtimeMs } = await stat(path)
    return { token: await readFile(path, 'latin1'), ageMs: Date.now() - mtimeMs }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
