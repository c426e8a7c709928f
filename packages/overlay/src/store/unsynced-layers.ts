import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execute, O_DIRECTORY, O_RDONLY, Program } from '@ctr/linux'
import { errnoOf, systemError } from '../errors.js'
import { tryLock } from '../files/file-lock.js'
import type { Layout } from './layout.js'

/** The kernel has written by itself, after 30 s usually, what is older than this: syncing it costs little. */
const settledMs = 45_000

/**
 * Notes of layers that show before the disk has them. A note is an empty file whose name says of which boot and of which
 * layer; it is made before the layer is renamed into its place, and file systems with a journal keep that order. When
 * the machine has started anew since, nobody knows what reached the disk: the layer is taken away, to be unpacked again.
 */
export class UnsyncedLayers {
  readonly #layout: Layout
  readonly #boot: string | undefined

  private constructor(layout: Layout, boot: string | undefined) {
    this.#layout = layout
    this.#boot = boot
  }

  /** Of a store whose folders are there. */
  static of(layout: Layout, boot: string | undefined = bootId()): UnsyncedLayers {
    return new UnsyncedLayers(layout, boot)
  }

  /** Notes a layer that is whole, but for its name. False when nobody could tell later: it must be synced now. */
  note(diffId: string): boolean {
    if (this.#boot === undefined) return false
    const path = join(this.#layout.unsynced, `${this.#boot}~${diffId.slice('sha256:'.length)}`)
    try {
      mkdirSync(this.#layout.unsynced, { recursive: true, mode: 0o700 })
      writeFileSync(path, '', { mode: 0o600 })
    } catch (error) {
      throw systemError('write', path, error)
    }
    return true
  }

  /**
   * Takes away the layers of earlier boots.
   *
   * @param remove - Removes one, if it is there.
   */
  async recover(remove: (diffId: string) => Promise<void>): Promise<void> {
    if (this.#notes().every(({ boot }) => boot === this.#boot)) return
    const lock = openSync(this.#layout.unsynced, O_RDONLY | O_DIRECTORY)
    try {
      // nobody adds a layer again before its note is gone; another store of this thread may have the lock
      while (!tryLock(lock)) await sleep(20)
      for (const { path, boot, hex } of this.#notes()) {
        if (boot === this.#boot || !existsSync(path)) continue
        await remove(`sha256:${hex}`)
        forget(path)
      }
    } finally {
      closeSync(lock)
    }
  }

  /** Syncs the file system, if there are notes that are old enough, and removes them. */
  async settle(minimumAgeMs = settledMs): Promise<void> {
    const old = this.#notes().filter(
      ({ path, boot }) => boot === this.#boot && (ageOf(path) ?? -1) >= minimumAgeMs,
    )
    if (old.length === 0) return
    await syncFileSystem(this.#layout.folder)
    for (const { path } of old) forget(path)
  }

  #notes(): { readonly path: string; readonly boot: string; readonly hex: string }[] {
    const folder = this.#layout.unsynced
    let names: string[]
    try {
      names = readdirSync(folder)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [] // there was never one
      throw systemError('read', folder, error)
    }
    return names.flatMap((name) => {
      const [, boot, hex] = /^([0-9a-f-]+)~([0-9a-f]{64})$/.exec(name) ?? []
      return boot === undefined || hex === undefined ? [] : [{ path: join(folder, name), boot, hex }]
    })
  }
}

/** syncfs(2) on a pool thread: all that was written to the file system of a folder reaches the disk. */
export async function syncFileSystem(folder: string): Promise<void> {
  const fd = openSync(folder, O_RDONLY | O_DIRECTORY)
  try {
    const program = new Program()
    program.call('syncfs', [fd])
    await execute(program)
  } catch (error) {
    throw systemError('write to disk', folder, error)
  } finally {
    closeSync(fd)
  }
}

/** Another one after each start of the machine; `undefined` without /proc. */
function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}

function ageOf(path: string): number | undefined {
  const stat = statSync(path, { throwIfNoEntry: false }) // another process has removed it meanwhile
  return stat === undefined ? undefined : Date.now() - stat.mtimeMs
}

function forget(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw systemError('remove', path, error)
  }
}
