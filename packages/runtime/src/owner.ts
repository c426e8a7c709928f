import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
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
  readonly #claims = new Set<string>()

  /** Takes a lock of its own in `folder`. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.name = `${process.pid}-${randomBytes(6).toString('hex')}`
    this.#folder = folder
    // locked before it has its name: nobody may find it without its lock
    const unnamed = join(folder, `.${this.name}`)
    this.#lock = new Fd(openSync(unnamed, 'a'))
    flock(this.#lock.number, LOCK_EX + LOCK_NB)
    renameSync(unnamed, join(folder, this.name))
  }

  /**
   * Says that a container of this id is being made: what others find of it is not left over. Holds until
   * `settled`, or until this process ends.
   */
  claim(id: string): void {
    writeSync(this.#lock.number, `${id}\n`)
    this.#claims.add(id)
  }

  /** The container has its record, or is gone again. */
  settled(id: string): void {
    this.#claims.delete(id)
    if (this.#claims.size === 0) ftruncateSync(this.#lock.number)
  }

  /** Gives the lock up and removes its file. */
  [Symbol.dispose](): void {
    rmSync(join(this.#folder, this.name), { force: true })
    this.#lock.close()
  }
}

/** The owners that live. */
export interface LivingOwners {
  /** Names of their locks. */
  readonly names: ReadonlySet<string>
  /** Ids of containers that they are making. */
  readonly claims: ReadonlySet<string>
}

/** Finds the owners that live; the files of those that died are removed. */
export function livingOwners(folder: string): LivingOwners {
  const names = new Set<string>()
  const claims = new Set<string>()
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    if (!isLocked(path)) {
      rmSync(path, { force: true })
      continue
    }
    names.add(name)
    for (const id of readClaims(path)) claims.add(id)
  }
  return { names, claims }
}

function readClaims(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return [] // its owner has closed meanwhile, and has settled everything
  }
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
