import { watch } from 'node:fs'
import { join } from 'node:path'
import { NetbridgeError } from '../errors.js'
import { makeFolder } from '../state/files.js'
import { SharedTable, type TableChange } from '../state/shared-table.js'
import type { OverlayStore, StoreView } from './store.js'

/** Key of the number of changes. */
const REVISION = '.revision'

interface Entry {
  readonly value: string
  /** When it goes away by itself, in milliseconds since 1970. */
  readonly expires?: number | undefined
}

/**
 * A store in a folder, for several "hosts" that are namespaces of one machine. Any number of processes share it: it is
 * locked for each change, and all are told by inotify(7).
 */
export class FileStore implements OverlayStore {
  readonly #folder: string
  readonly #table: SharedTable

  /** @param folder - Made if it is not there. */
  constructor(folder: string) {
    this.#folder = folder
    this.#table = new SharedTable(join(folder, 'store'))
  }

  list(prefix: string): Promise<StoreView> {
    return this.#change((change) => {
      const entries = readAll(change.entries()).filter(([key]) => key.startsWith(prefix))
      return {
        entries: new Map(entries.map(([key, { value }]) => [key, value])),
        revision: change.get(REVISION) ?? '0',
      }
    })
  }

  create(key: string, value: string): Promise<string> {
    return this.#change((change) => {
      const found = change.get(key)
      if (found !== undefined) return read(found).value
      change.set(key, write({ value }))
      count(change)
      return value
    })
  }

  deleteIf(key: string, value: string): Promise<void> {
    return this.#change((change) => {
      const found = change.get(key)
      if (found !== undefined && read(found).value === value) remove(change, key)
    })
  }

  announce(key: string, value: string, ttlSeconds: number): Promise<void> {
    return this.#change((change) => {
      const found = change.get(key)
      change.set(key, write({ value, expires: Date.now() + ttlSeconds * 1000 }))
      if (found === undefined || read(found).value !== value) count(change)
    })
  }

  withdraw(key: string): Promise<void> {
    return this.#change((change) => remove(change, key))
  }

  async changed(_prefix: string, since: string, signal: AbortSignal): Promise<void> {
    makeFolder(this.#folder)
    await new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const end = (error?: Error): void => {
        watcher.close()
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        if (error === undefined) resolve()
        else reject(error)
      }
      const stop = (): void => end()
      const look = (): void => {
        clearTimeout(timer)
        try {
          const untilExpiryMs = this.#untilExpiryMs()
          if (signal.aborted || untilExpiryMs <= 0 || (this.#table.get(REVISION) ?? '0') !== since) end()
          else timer = setTimeout(look, Math.min(untilExpiryMs, 60_000)).unref()
        } catch (error) {
          end(error as Error)
        }
      }
      const watcher = watch(this.#folder, { persistent: false }, look)
      watcher.on('error', end)
      signal.addEventListener('abort', stop)
      look()
    })
  }

  [Symbol.dispose](): void {
    this.#table.close()
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- errors become rejections
  async #change<Result>(body: (change: TableChange) => Result): Promise<Result> {
    try {
      makeFolder(this.#folder)
      return this.#table.change((change) => {
        for (const [key, { expires = Infinity }] of readAll(change.entries()))
          if (expires <= Date.now()) remove(change, key)
        return body(change)
      })
    } catch (cause) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_STORE',
        `cannot use the store of the network in ${this.#folder}: ${(cause as Error).message}; its hosts go on with what they know`,
        { cause },
      )
    }
  }

  #untilExpiryMs(): number {
    const times = readAll(this.#table.entries()).map(([, { expires }]) => expires ?? Infinity)
    return Math.min(...times, Number.MAX_SAFE_INTEGER) - Date.now()
  }
}

function readAll(entries: readonly (readonly [key: string, text: string])[]): (readonly [string, Entry])[] {
  return entries.filter(([key]) => key !== REVISION).map(([key, text]) => [key, read(text)])
}

function read(text: string): Entry {
  return JSON.parse(text) as Entry
}

/** The table holds bytes of one character each. */
function write(entry: Entry): string {
  return JSON.stringify(entry).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function remove(change: TableChange, key: string): void {
  if (change.get(key) === undefined) return
  change.delete(key)
  count(change)
}

function count(change: TableChange): void {
  change.set(REVISION, String(Number(change.get(REVISION) ?? '0') + 1))
}
