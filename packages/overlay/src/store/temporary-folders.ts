import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, futimesSync, mkdirSync, openSync, readdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { abortError, errnoOf } from '../errors.js'
import { tryLock } from '../files/file-lock.js'
import { removeTree } from '../files/remove-tree.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'

const suffix = '.lock'
/** How long whoever waits for a folder sleeps in between. */
const pollMs = 50
/** Whoever lives but has not touched his lock for so long is stopped, and not waited for. */
const silentMs = 120_000

/** A folder for something half made. Whoever made it holds a lock, which the kernel drops when he dies. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string
  readonly #lock: number
  readonly #namespace: StoreUserNamespace | undefined
  #removed = false
  #sign: NodeJS.Timeout | undefined

  private constructor(path: string, lock: number, namespace: StoreUserNamespace | undefined) {
    this.path = path
    this.#lock = lock
    this.#namespace = namespace
  }

  /** Makes a folder of a new name, mode 0700. */
  static create(parent: string, namespace?: StoreUserNamespace): TemporaryFolder {
    for (;;) {
      const path = join(parent, randomBytes(12).toString('hex'))
      const lock = openSync(path + suffix, 'wx', 0o600)
      // between open and lock a cleanup may have taken the file for a dead one
      if (tryLock(lock) && fstatSync(lock).nlink === 1) {
        mkdirSync(path, { mode: 0o700 })
        return new TemporaryFolder(path, lock, namespace)
      }
      closeSync(lock)
    }
  }

  /**
   * Makes a folder of a given name, mode 0700, which one has at a time: waits for whoever has it, in this process or
   * another, as long as he lives. Who gives no sign is not waited for: the folder gets another name then.
   */
  static async take(
    path: string,
    {
      namespace,
      signal,
    }: { readonly namespace: StoreUserNamespace | undefined; readonly signal: AbortSignal | undefined },
  ): Promise<TemporaryFolder> {
    for (;;) {
      const lock = openSync(path + suffix, 'a', 0o600)
      let taken: TemporaryFolder | undefined
      try {
        if (tryLock(lock)) {
          // whoever had it, or a cleanup, may have removed the file since it was opened
          if (fstatSync(lock).nlink === 0) continue
          await removeTree(path, namespace) // what a dead one has left
          mkdirSync(path, { mode: 0o700 })
          taken = new TemporaryFolder(path, lock, namespace)
          taken.#giveSigns()
          return taken
        }
        if (Date.now() - fstatSync(lock).mtimeMs > silentMs)
          return TemporaryFolder.create(dirname(path), namespace)
      } finally {
        if (taken === undefined) closeSync(lock)
      }
      if (signal?.aborted === true) throw abortError(signal)
      await sleep(pollMs)
    }
  }

  #giveSigns(): void {
    const sign = (): void => futimesSync(this.#lock, new Date(), new Date())
    sign()
    this.#sign = setInterval(sign, silentMs / 4).unref()
  }

  /** Removes what is left of the folder, and the lock. Idempotent. */
  async remove(): Promise<void> {
    if (this.#removed) return
    this.#removed = true
    clearInterval(this.#sign)
    try {
      await removeTree(this.path, this.#namespace)
      unlinkSync(this.path + suffix)
    } finally {
      closeSync(this.#lock)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove()
  }
}

/** Removes the temporary folders of those who died. Gives back how many there were. */
export async function removeAbandoned(parent: string, namespace?: StoreUserNamespace): Promise<number> {
  let count = 0
  const names = new Set(readdirSync(parent).map((name) => name.replace(/\.lock$/, '')))
  for (const name of names) {
    const lock = openLock(join(parent, name + suffix))
    if (lock === undefined) continue
    try {
      if (!tryLock(lock)) continue // somebody is at it
      await removeTree(join(parent, name), namespace)
      unlinkSync(join(parent, name + suffix))
      count += 1
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    } finally {
      closeSync(lock)
    }
  }
  return count
}

/** A folder without its lock file is left of a removal that was cut short: it gets a lock again. */
function openLock(path: string): number | undefined {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
