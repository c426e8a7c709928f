import { randomBytes, randomInt } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import {
  Fd,
  limitsProjects,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  projectQuota,
  setProject,
  setProjectQuota,
} from '@ctr/linux'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import { withFileLock } from '../files/file-lock.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import type { StorageLimit, StorageUse } from './storage-limit.js'

/** A project of the file system that belongs to one root or volume. It is kept in that one's record. */
export interface Project {
  readonly id: number
  /** Tells this claim from an earlier one of the same id. */
  readonly claim: string
}

/** A project that is taken, and the word that says whose it is. */
export interface Claim extends Project {
  readonly owner: string
}

/** Projects of one store: so many roots and volumes can have a limit at once. */
const most = 65_536
const baseFile = 'base'
const lockFile = 'lock'

/**
 * The projects that a store has claimed on its file system, one for each root or volume with a limit.
 *
 * ```
 * FOLDER/base     a link that says the first number of the store's
 * FOLDER/NUMBER   a link that says whose it is; who makes it has the project
 * FOLDER/lock     held while a project is given back
 * ```
 *
 * Other stores, and whoever else gives out projects of the file system, begin elsewhere; one that has files or limits
 * already is left alone.
 */
export class Projects {
  readonly #folder: string
  readonly #namespace: StoreUserNamespace | undefined

  constructor(folder: string, namespace: StoreUserNamespace | undefined) {
    this.#folder = folder
    this.#namespace = namespace
  }

  /**
   * Claims a project, and limits what it may take.
   *
   * @param owner - A word that says whose it is, for {@link Projects.cleanup}.
   * @throws {@link OverlayError} `ERR_OVERLAY_UNSUPPORTED`: the file system has no project quotas.
   */
  claim(owner: string, limit: StorageLimit): Project {
    if (this.#namespace !== undefined)
      throw unsupported(this.#folder, 'the kernel lets only root of the host do that')
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    using place = this.#place()
    refuseUnlimited(this.#folder, place.number)
    const base = this.#base()
    const taken = new Set(readdirSync(this.#folder))
    const claim = `${owner}~${randomBytes(12).toString('hex')}`
    for (let id = base; id < base + most; id += 1) {
      if (taken.has(String(id)) || !isFree(place.number, id) || !this.#take(id, claim)) continue
      try {
        setProjectQuota(place.number, id, { bytes: limit.bytes, inodes: limit.inodes })
      } catch (error) {
        unlinkSync(join(this.#folder, String(id)))
        throw systemError('limit storage in', this.#folder, error)
      }
      return { id, claim }
    }
    throw new OverlayError(
      'ERR_OVERLAY_LIMIT',
      `cannot limit storage in ${this.#folder}: all projects are taken`,
    )
  }

  /** What a project may take, and takes. */
  use({ id }: Project): StorageUse {
    using place = this.#place()
    try {
      return projectQuota(place.number, id)
    } catch (error) {
      throw systemError('read the quota in', this.#folder, error)
    }
  }

  /** Gives a project back, once its files are gone. Does nothing when that has been done. */
  async release(project: Project): Promise<void> {
    await this.#locked(() => this.#release(project))
  }

  /**
   * Gives back the projects of those who died before they could.
   *
   * @param findDead - Of these claims, those whose owner is no more.
   */
  async cleanup(findDead: (claims: readonly Claim[]) => readonly Claim[]): Promise<void> {
    await this.#locked(() => {
      const claims = readdirSync(this.#folder).flatMap((name): Claim[] => {
        const claim = /^\d+$/.test(name) ? this.#claimOf(name) : undefined
        return claim === undefined ? [] : [{ id: Number(name), claim, owner: claim.replace(/~[^~]*$/, '') }]
      })
      for (const dead of findDead(claims)) this.#release(dead)
    })
  }

  async #locked(act: () => void): Promise<void> {
    try {
      await withFileLock(join(this.#folder, lockFile), act)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw systemError('give back projects in', this.#folder, error) // none ever was
    }
  }

  #release({ id, claim }: Project): void {
    if (this.#claimOf(String(id)) !== claim) return
    using place = this.#place()
    try {
      setProjectQuota(place.number, id, { bytes: undefined, inodes: undefined })
    } catch (error) {
      if (!['ESRCH', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error // it is mounted without quotas now
    }
    unlinkSync(join(this.#folder, String(id)))
  }

  #claimOf(name: string): string | undefined {
    return readLink(join(this.#folder, name))
  }

  #place(): Fd {
    return new Fd(openSync(this.#folder, O_RDONLY | O_DIRECTORY))
  }

  /** The store's first number. Low ones are given out by people. */
  #base(): number {
    const path = join(this.#folder, baseFile)
    makeLink(String(randomInt(2 ** 24, 2 ** 31 - most)), path)
    const base = Number(readLink(path))
    if (Number.isSafeInteger(base) && base >= 2 ** 24 && base <= 2 ** 31 - most) return base
    throw new OverlayError('ERR_OVERLAY_DAMAGED', `cannot use ${path}: it is not what was written`, { path })
  }

  #take(id: number, claim: string): boolean {
    return makeLink(claim, join(this.#folder, String(id)))
  }
}

/** Makes empty folders part of a project, with all that is made in them from now on. */
export function addToProject({ id }: Project, ...folders: readonly string[]): void {
  for (const folder of folders) {
    const fd = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try {
      setProject(fd, id)
    } catch (error) {
      throw systemError('limit', folder, error)
    } finally {
      closeSync(fd)
    }
  }
}

/** Reads a project out of a record; undefined for what is none. */
export function parseProject(value: unknown): Project | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, claim } = value as Partial<Record<keyof Project, unknown>>
  return Number.isSafeInteger(id) && typeof claim === 'string' ? { id: Number(id), claim } : undefined
}

function isFree(place: number, id: number): boolean {
  const { bytes, inodes, usedBytes, usedInodes } = projectQuota(place, id)
  return bytes === undefined && inodes === undefined && usedBytes === 0 && usedInodes === 0
}

/** @throws {@link OverlayError} where limits would not bind. */
function refuseUnlimited(folder: string, place: number): void {
  const answer = limitsProjects(place)
  if (answer === true) return
  throw unsupported(
    folder,
    `${answer === false ? 'its file system does not enforce' : `its file system (or the kernel) has no`} project quotas` +
      `${answer === false ? '' : ` (${answer})`}; mount it with prjquota: xfs as it is, ext4 after tune2fs -O quota,project`,
  )
}

function unsupported(folder: string, reason: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_UNSUPPORTED', `cannot limit storage in ${folder}: ${reason}`, {
    path: folder,
  })
}

/** False when there is something of that name. */
function makeLink(text: string, path: string): boolean {
  try {
    symlinkSync(text, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
