import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { Fd, flock, isSyscallError, LOCK_EX, LOCK_NB, LOCK_SH } from '@ctr/linux'

/**
 * A process that owns containers. It holds a lock on a file as long as it lives; the kernel releases the lock
 * however the process ends, so others can tell whether a container has lost its owner.
 */
export class Owner implements Disposable {
  /** Name of the lock, kept in the records of its containers. */
  readonly name: string
  readonly #folder: string
  readonly #lock: Fd

  /** Takes a lock of its own in `folder`. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.name = `${process.pid}-${randomBytes(6).toString('hex')}`
    this.#folder = folder
    // locked before it has its name: nobody may find it without its lock
    const unnamed = join(folder, `.${this.name}`)
    this.#lock = new Fd(openSync(unnamed, 'w'))
    flock(this.#lock.number, LOCK_EX + LOCK_NB)
    renameSync(unnamed, join(folder, this.name))
  }

  /** Gives the lock up and removes its file. */
  [Symbol.dispose](): void {
    rmSync(join(this.#folder, this.name), { force: true })
    this.#lock.close()
  }
}

/** Names of the owners that live; the files of those that died are removed. */
export function livingOwners(folder: string): Set<string> {
  const living = new Set<string>()
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.')) continue
    if (isLocked(join(folder, name))) living.add(name)
    else rmSync(join(folder, name), { force: true })
  }
  return living
}

function isLocked(path: string): boolean {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return false // removed by its owner meanwhile
  }
  try {
    flock(fd, LOCK_SH + LOCK_NB) // shared, so that two who ask do not see each other
    return false
  } catch (error) {
    if (isSyscallError(error) && error.code === 'EAGAIN') return true
    throw error
  } finally {
    closeSync(fd)
  }
}
