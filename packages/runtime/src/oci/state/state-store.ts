import { lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRuntimeError, RuntimeError } from '../../errors.js'
import { checkContainerId, isContainerId } from './container-id.js'
import { parseState, type ContainerState } from './container-state.js'
import { isLocked, lockFolder, type FolderLock } from './folder-lock.js'
import { LockedContainer, STATE_FILE, CONFIG_FILE } from './locked-container.js'

/** One container of a list. */
export interface ListedContainer {
  readonly id: string
  /** User id of whoever made it. */
  readonly uid: number
  /** Its record, or why it cannot be read. */
  readonly state: ContainerState | RuntimeError
}

/** How long a command waits for another one that works on the same container, unless told otherwise. */
const LOCK_TIMEOUT_MS = 30_000

/**
 * The state folder of a runtime: a folder `ROOT/ID` for each container, with its record `state.json` and its
 * config. Whoever changes a container holds its lock; reading needs none.
 *
 * Nothing is flushed to a disk: containers do not outlive a crash of the machine, and a record that is damaged by
 * one stops nobody from listing or removing containers.
 */
export class StateStore {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  /**
   * Uses a state folder, which is made with the first container.
   *
   * @param root - Absolute path.
   */
  static open(root: string): StateStore {
    return new StateStore(root)
  }

  /**
   * Path of a container's folder, be it there or not.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: not an id.
   */
  folder(id: string): string {
    checkContainerId(id)
    return join(this.root, id)
  }

  /**
   * Claims an id and makes the container's folder, locked. Of many who try, one gets it.
   *
   * @param config - The config that it is made from, as JSON text. Kept beside its record: what happens to the
   *   bundle later does not matter.
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`; `ERR_RUNTIME_NAME_TAKEN`: there is a container of that
   *   id; `ERR_RUNTIME_CONTAINER_NOT_FOUND`: somebody has removed it at once.
   */
  async create(id: string, config: string): Promise<LockedContainer> {
    const folder = this.folder(id)
    mkdirSync(this.root, { recursive: true, mode: 0o700 })
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? taken(id, error) : error
    }
    const container = await this.lock(id)
    try {
      // before it was locked somebody may have removed it, and a third one made it anew
      if (readdirSync(folder).length > 0) throw taken(id)
      container.saveConfig(config)
      return container
    } catch (error) {
      container[Symbol.dispose]()
      throw error
    }
  }

  /**
   * Locks a container against other commands; dispose of it to unlock. Also for one whose record is damaged.
   *
   * @param options.timeoutMs - How long to wait for a command that works on it. Default 30 seconds.
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`; `ERR_RUNTIME_CONTAINER_NOT_FOUND`;
   *   `ERR_RUNTIME_BUSY`: the time is over.
   */
  async lock(
    id: string,
    { timeoutMs = LOCK_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
  ): Promise<LockedContainer> {
    const folder = this.folder(id)
    let lock: FolderLock | undefined
    try {
      lock = await lockFolder(folder, timeoutMs)
    } catch (error) {
      throw notFoundOr(error, id)
    }
    if (lock !== undefined) return new LockedContainer(id, lock)
    throw new RuntimeError(
      'ERR_RUNTIME_BUSY',
      `cannot lock container ${JSON.stringify(id)}: another command has been working on it for ${timeoutMs / 1000} s`,
    )
  }

  /** True while a command works on the container. */
  isBusy(id: string): boolean {
    try {
      return isLocked(this.folder(id))
    } catch (error) {
      throw notFoundOr(error, id)
    }
  }

  /**
   * Reads a container's record.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`; `ERR_RUNTIME_CONTAINER_NOT_FOUND`, also while nothing
   *   is known of one that is being made; `ERR_RUNTIME_STATE`: it is damaged.
   */
  load(id: string): ContainerState {
    const path = join(this.folder(id), STATE_FILE)
    return parseState(this.#read(id, path), path)
  }

  /**
   * Reads the config that a container was made from, as JSON text; it no longer depends on its bundle.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`; `ERR_RUNTIME_CONTAINER_NOT_FOUND`: also where it was
   *   never written.
   */
  loadConfig(id: string): string {
    return this.#read(id, join(this.folder(id), CONFIG_FILE))
  }

  /** All containers by id, those included whose record is missing or damaged. */
  list(): ListedContainer[] {
    return this.#names()
      .filter(isContainerId)
      .sort()
      .flatMap((id) => {
        const uid = ownerOf(join(this.root, id))
        return uid === undefined ? [] : [{ id, uid, state: this.#tryLoad(id) }]
      })
  }

  #names(): string[] {
    try {
      return readdirSync(this.root)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  #tryLoad(id: string): ContainerState | RuntimeError {
    try {
      return this.load(id)
    } catch (error) {
      if (isRuntimeError(error)) return error
      throw error
    }
  }

  #read(id: string, path: string): string {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      throw notFoundOr(error, id)
    }
  }
}

/** Owner of a container's folder; undefined for what is none, or is gone. */
function ownerOf(path: string): number | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.isDirectory() === true ? found.uid : undefined
}

function taken(id: string, cause?: unknown): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_NAME_TAKEN',
    `cannot create container ${JSON.stringify(id)}: container with given ID already exists`,
    { cause },
  )
}

function notFoundOr(error: unknown, id: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return error
  return new RuntimeError(
    'ERR_RUNTIME_CONTAINER_NOT_FOUND',
    `container ${JSON.stringify(id)} does not exist`,
    { cause: error },
  )
}
