import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fd, flock, LOCK_EX } from '@ctr/linux'
import { NamespacesError } from '../errors.js'
import { formatClaim, parseClaim, type ClaimedIds, type ClaimOwner } from './claim-name.js'
import { checkIdMaps, type IdMaps } from './id-map.js'
import { freeIds } from './free-ids.js'
import { type IdRange, parseSubordinate, type SubordinateIds } from './subordinate-ids.js'

/** Where claims are kept, and what there is to be claimed. */
export interface IdPoolOptions {
  /**
   * Folder of the claims, the same for all that share the ids; made when it is not there. On a file system that a
   * reboot clears, such as `/run`, claims end with it.
   */
  readonly folder: string
  /**
   * Ids to give away: `subordinateIds()` for an ordinary user. Default, for root: 524288 to 1878982655, where no
   * distribution has users, without what `/etc/subuid` and `/etc/subgid` give to others.
   */
  readonly ids?: SubordinateIds | undefined
}

/** What to claim. */
export interface ClaimOptions {
  /** How many user and how many group ids. Default 65536. */
  readonly size?: number | undefined
  /**
   * Keeps the claim when this process ends, until it is released by this name; who claims it again is given the same
   * ids. Without a name the claim ends with this process at the latest. Up to 64 letters, digits, `_`, `.` and `-`.
   */
  readonly name?: string | undefined
}

/** Ids that nobody else has. */
export interface IdClaim extends Disposable {
  readonly uid: IdRange
  readonly gid: IdRange
  /** All of them, from 0 on inside. */
  readonly maps: IdMaps
  /** Gives them back. Idempotent. A claim with a name is only given back by this, not by disposing of it. */
  release(): void
}

/**
 * Hands out ranges of ids that never overlap, to any number of user namespaces, from any number of processes at once:
 * what `userns=auto` of engines is. A claim is a file whose name says everything, made under a lock of the folder; that
 * of a process that was killed is given back when the next one is made.
 *
 * @example Each container its own ids
 * const pool = new IdPool({ folder: '/run/my-tool/ids' })
 * using claim = pool.claim()
 * await using child = await spawn({ command: ['id'], namespaces: { user: 'new' }, idMaps: claim.maps })
 */
export class IdPool {
  readonly #folder: string
  readonly #ids: SubordinateIds

  constructor({ folder, ids = freeOfTheHost() }: IdPoolOptions) {
    this.#folder = folder
    this.#ids = ids
  }

  /**
   * Claims ids.
   *
   * @throws {@link NamespacesError} `ERR_NAMESPACES_NO_IDS`: so many ids in a row are not free;
   *   `ERR_NAMESPACES_INVALID_ARG`: a name or a size that cannot be.
   */
  claim({ size = 65_536, name }: ClaimOptions = {}): IdClaim {
    checkSize(size)
    if (name !== undefined) checkName(name)
    return this.#locked((claims) => {
      const known = claims.find(({ owner }) => name !== undefined && owner.name === name)
      if (known !== undefined && known.uid.size >= size) return this.#claimOf(known)
      if (known !== undefined) throw tooSmall(known, size)
      const uid = freeIds(
        this.#ids.uid,
        claims.map((claim) => claim.uid),
        size,
      )
      const gid = freeIds(
        this.#ids.gid,
        claims.map((claim) => claim.gid),
        size,
      )
      if (uid === undefined || gid === undefined) throw this.#exhausted(size, claims.length)
      const owner: ClaimOwner = name === undefined ? { process: ownProcess() } : { name }
      const claim = { uid, gid, owner }
      this.#write(claim, 'wx')
      return this.#claimOf(claim)
    })
  }

  /**
   * Keeps ids from being claimed that somebody has chosen: those that maps have outside. They may overlap what is
   * claimed or held already, for whoever chooses them must know. Released by the name.
   *
   * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`.
   */
  hold(maps: IdMaps, name: string): void {
    checkIdMaps(maps)
    checkName(name)
    this.#locked(() => {
      for (const { outside: first, size } of [...maps.uid, ...maps.gid]) {
        const range = { first, size }
        // one that both maps have is one file
        this.#write({ uid: range, gid: range, owner: { name } }, 'w')
      }
    })
  }

  /** Gives back what was claimed by a name. Does nothing where nothing is. */
  release(name: string): void {
    this.#locked((claims) => {
      for (const claim of claims) if (claim.owner.name === name) this.#remove(claim)
    })
  }

  /** What is claimed now, by whomever. */
  claims(): readonly ClaimedIds[] {
    return this.#locked((claims) => claims)
  }

  #claimOf(claim: ClaimedIds): IdClaim {
    const { uid, gid, owner } = claim
    const release = (): void => {
      this.#remove(claim)
    }
    return {
      uid,
      gid,
      maps: {
        uid: [{ inside: 0, outside: uid.first, size: uid.size }],
        gid: [{ inside: 0, outside: gid.first, size: gid.size }],
      },
      release,
      [Symbol.dispose]() {
        if (owner.name === undefined) release()
      },
    }
  }

  /** Does something with all valid claims while nobody else changes them. */
  #locked<Result>(work: (claims: readonly ClaimedIds[]) => Result): Result {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    using lock = new Fd(openSync(join(this.#folder, 'lock'), 'a', 0o600))
    flock(lock.number, LOCK_EX)
    const alive = new Map<string, boolean>()
    const claims = readdirSync(this.#folder).flatMap((file) => parseClaim(file) ?? [])
    return work(
      claims.filter((claim) => {
        const { process } = claim.owner
        if (process === undefined) return true
        if (!alive.has(process)) alive.set(process, isAlive(process))
        if (alive.get(process) === true) return true
        this.#remove(claim)
        return false
      }),
    )
  }

  #write(claim: ClaimedIds, flags: string): void {
    closeSync(openSync(join(this.#folder, formatClaim(claim)), flags, 0o600))
  }

  #remove(claim: ClaimedIds): void {
    rmSync(join(this.#folder, formatClaim(claim)), { force: true })
  }

  #exhausted(size: number, claims: number): NamespacesError {
    return new NamespacesError(
      'ERR_NAMESPACES_NO_IDS',
      `cannot claim ${size} ids: no ${size} in a row are free, and ${claims} claims are in ${this.#folder}; release some, or claim fewer at a time`,
    )
  }
}

/** From where distributions have neither users nor subordinate ids, to where the kernel's signed tools still count. */
function freeOfTheHost(): SubordinateIds {
  const all = { first: 524_288, size: 1_878_982_656 - 524_288 }
  const of = (file: string): readonly IdRange[] => without(all, takenBy(file))
  return { uid: of('/etc/subuid'), gid: of('/etc/subgid') }
}

function takenBy(file: string): readonly IdRange[] {
  try {
    return parseSubordinate(readFileSync(file, 'utf8')).map(({ range }) => range)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function without({ first, size }: IdRange, taken: readonly IdRange[]): IdRange[] {
  const rest: IdRange[] = []
  let from = first
  for (const range of [...taken].sort((a, b) => a.first - b.first)) {
    if (range.first > from) rest.push({ first: from, size: Math.min(range.first, first + size) - from })
    from = Math.max(from, range.first + range.size)
  }
  if (from < first + size) rest.push({ first: from, size: first + size - from })
  return rest.filter((range) => range.size > 0)
}

let own: string | undefined

/** This process and no other that has its number later: pid, time of its start, and boot. */
function ownProcess(): string {
  return (own ??= `${process.pid}.${startOf(process.pid)!}.${bootId()}`)
}

function isAlive(owner: string): boolean {
  const [pid, start, boot] = owner.split('.')
  return boot === bootId() && startOf(Number(pid)) === start
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)
}

function checkSize(size: number): void {
  if (Number.isInteger(size) && size > 0 && size < 2 ** 32) return
  throw new NamespacesError(
    'ERR_NAMESPACES_INVALID_ARG',
    `cannot claim ${size} ids: it must be a whole number above 0`,
  )
}

function checkName(name: string): void {
  if (/^[\w.-]{1,64}$/.test(name)) return
  throw new NamespacesError(
    'ERR_NAMESPACES_INVALID_ARG',
    `cannot claim ids by the name ${JSON.stringify(name.slice(0, 80))}: it must be 1 to 64 letters, digits, "_", "." and "-"`,
  )
}

function tooSmall({ owner, uid }: ClaimedIds, size: number): NamespacesError {
  return new NamespacesError(
    'ERR_NAMESPACES_INVALID_ARG',
    `cannot claim ${size} ids by the name ${owner.name!}: it has ${uid.size} already; release it first`,
  )
}
