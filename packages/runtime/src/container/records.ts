import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isRuntimeError, RuntimeError } from '../errors.js'
import { unlinkIfThere } from '../unlink-if-there.js'
import type { ContainerRecord } from './record.js'
import { addState, newestState, syncState, writeState } from './record-file.js'

/** How long a record may wait for the disk itself. */
const syncAfterMs = 500

/** Name in a record. */
interface KnownName {
  /** Of the file that it was read from. */
  readonly state: string
  /** Null of a record that cannot be read. */
  readonly name: string | null
}

/** The records of a root folder: `containers/ID.json`, beside which `containers/ID/` has a container's log files. */
export class ContainerRecords {
  readonly #folder: string
  /** Those that were read. */
  #names = new Map<string, KnownName>()
  /** Written and not on the disk yet: most containers are removed before. */
  readonly #unsynced = new Set<string>()
  #syncing: NodeJS.Timeout | undefined

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Folder of a container's log files; not every container has one. */
  folder(id: string): string {
    return join(this.#folder, id)
  }

  /**
   * Writes a record; another process sees the old or the new one, also when this one is killed. That of a container which
   * outlives this process is on the disk itself soon after.
   */
  save(record: ContainerRecord): void {
    const file = this.#file(record.id)
    if (!addState(file, record)) writeState(file, record)
    this.#names.delete(record.id)
    if (record.detached) this.#syncSoon(record.id)
  }

  /**
   * Reads a record.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CONTAINER_NOT_FOUND`; `ERR_RUNTIME_STATE` when it is damaged.
   */
  load(id: string): ContainerRecord {
    const file = this.#file(id)
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (cause) {
      if (existsSync(`${file}.damaged`)) throw damaged(file, cause)
      throw new RuntimeError(
        'ERR_RUNTIME_CONTAINER_NOT_FOUND',
        `cannot find container ${id}: there is none`,
        { cause },
      )
    }
    try {
      return newestState(text) as ContainerRecord
    } catch (cause) {
      throw damaged(file, cause)
    }
  }

  /** The same; undefined when it is removed or damaged: the rest works. */
  readable(id: string): ContainerRecord | undefined {
    try {
      return this.load(id)
    } catch (error) {
      if (isRuntimeError(error)) return undefined
      throw error
    }
  }

  /** Puts a record aside that cannot be read: `ID.json.damaged`, until somebody puts it right or removes it. */
  setAside(id: string): void {
    const file = this.#file(id)
    if (existsSync(file)) renameSync(file, `${file}.damaged`)
  }

  /** All records that can be read, oldest first. */
  list(): ContainerRecord[] {
    return this.ids()
      .flatMap((id) => this.readable(id) ?? [])
      .sort((a, b) => a.createdAt.localeCompare(b.createdAt))
  }

  /** Ids of all containers, readable or not. */
  ids(): string[] {
    const names = readdirSync(this.#folder)
    return [...new Set(names.flatMap((name) => /^([0-9a-f]{64})\.json(?:\.damaged)?$/.exec(name)?.[1] ?? []))]
  }

  /** Id of the container that has a name. Only what has changed since the last time is read. */
  idOf(name: string): string | undefined {
    const names = new Map<string, KnownName>()
    for (const id of this.ids()) {
      const state = this.#stateOf(id)
      if (state === undefined) continue
      const known = this.#names.get(id)
      const read = (): string | null => this.readable(id)?.name ?? null
      names.set(id, known?.state === state ? known : { state, name: read() })
    }
    this.#names = names
    for (const [id, known] of names) if (known.name === name) return id
    return undefined
  }

  /** True when a container's record is there, readable or not. */
  has(id: string): boolean {
    return existsSync(this.#file(id)) || existsSync(`${this.#file(id)}.damaged`)
  }

  /** Removes a container's log files, and its record last. Idempotent. */
  remove(id: string): void {
    this.#unsynced.delete(id)
    if (existsSync(this.folder(id))) rmSync(this.folder(id), { recursive: true, force: true })
    unlinkIfThere(this.#file(id))
  }

  /** The same of a container whose record was put aside. */
  removeDamaged(id: string): void {
    this.remove(id)
    unlinkIfThere(`${this.#file(id)}.damaged`)
  }

  /**
   * Finds a container by id, by a unique beginning of its id, or by name.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CONTAINER_NOT_FOUND`: none, or several begin so.
   */
  find(idOrName: string): ContainerRecord {
    if (/^[0-9a-f]{64}$/.test(idOrName) && this.has(idOrName)) return this.load(idOrName)
    const named = this.idOf(idOrName)
    if (named !== undefined) return this.load(named)
    const begin = /^[0-9a-f]+$/.test(idOrName) ? this.ids().filter((id) => id.startsWith(idOrName)) : []
    if (begin.length === 1) return this.load(begin[0]!)
    const why = begin.length === 0 ? 'there is none' : `${begin.length} ids begin so`
    throw new RuntimeError('ERR_RUNTIME_CONTAINER_NOT_FOUND', `cannot find container ${idOrName}: ${why}`)
  }

  /** Removes what a process left that was killed while it wrote a record, and damaged ones that were written again. */
  sweep(): void {
    const names = readdirSync(this.#folder)
    for (const name of names) {
      if (name.endsWith('.damaged') && names.includes(name.replace('.damaged', '')))
        unlinkIfThere(join(this.#folder, name))
      const pid = /^[0-9a-f]{64}\.json\.(\d+)$/.exec(name)?.[1]
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(this.#folder, name), { force: true })
    }
  }

  /** This process ends, and does not wait for the disk. */
  close(): void {
    clearTimeout(this.#syncing)
    // a file that takes the place of another one is written at once by most file systems
    for (const id of this.#unsynced) if (existsSync(this.#file(id))) writeState(this.#file(id), this.load(id))
    this.#unsynced.clear()
  }

  #syncSoon(id: string): void {
    this.#unsynced.add(id)
    this.#syncing ??= setTimeout(() => {
      this.#syncing = undefined
      void this.#sync()
    }, syncAfterMs).unref()
  }

  async #sync(): Promise<void> {
    for (const id of this.#unsynced) {
      this.#unsynced.delete(id)
      // what the disk refuses now it may take with the next state
      await syncState(this.#file(id)).catch(() => undefined)
    }
  }

  #file(id: string): string {
    return join(this.#folder, `${id}.json`)
  }

  /** Tells one state of a record's file from the next; undefined when it was removed meanwhile. */
  #stateOf(id: string): string | undefined {
    const stats = statSync(this.#file(id), { bigint: true, throwIfNoEntry: false })
    return stats && `${stats.ino} ${stats.size} ${stats.mtimeNs}`
  }
}

function damaged(file: string, cause: unknown): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_STATE',
    `cannot read ${file}: it is damaged, and kept as ${file}.damaged; put it right, or remove it, and what the container has is removed when the runtime is opened next`,
    { cause },
  )
}
