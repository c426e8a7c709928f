import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFileIfThere } from './remove-if-there.js'
import { syncPath } from './sync-path.js'

/** A document that could not be read: it was put aside. */
export interface Quarantined {
  /** Where it is now. */
  readonly path: string
  readonly error: unknown
}

/** How long a document may be in memory alone where that was asked for: most are removed before. */
const writeAfterMs = 200
/** How soon a write is tried again that failed, as on a full disk. */
const retryMs = 1000
/** How long a change may wait for the disk itself: many are made good by one sync, or need none any more. */
const syncAfterMs = 500

/**
 * JSON documents in a folder.
 *
 * A document is written whole and renamed: `NAME.json.new`, which outlives this process however it ends. Soon after it
 * is synced, and takes the place of `NAME.json`. So after a power cut there is the newest document, or the one before,
 * at most a second older; never a damaged one.
 */
export class DocumentStore<T> {
  readonly #folder: string
  readonly #onError: (error: unknown) => void
  /** Asked for and not written yet. */
  readonly #waiting = new Map<string, T>()
  /** Those that could not be written the last time; told of once. */
  readonly #refused = new Set<string>()
  /** Written and not synced; a number that tells one change from the next. */
  readonly #unsynced = new Map<string, number>()
  #changes = 0
  #writing: NodeJS.Timeout | undefined
  #syncing: NodeJS.Timeout | undefined
  #work: Promise<void> | undefined

  /** @param onError - Told what goes wrong after a call has returned. */
  constructor(folder: string, onError: (error: unknown) => void) {
    this.#folder = folder
    this.#onError = onError
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Writes a document: it is kept when this process is killed, and on disk soon. */
  save(name: string, document: T): void {
    this.#waiting.delete(name)
    const file = this.#file(name)
    writeFileSync(`${file}.tmp`, JSON.stringify(document), { mode: 0o600 })
    renameSync(`${file}.tmp`, `${file}.new`)
    this.#mustSync(name)
  }

  /**
   * Writes a document in a moment, as it is then: what may be found out anew when this process is killed before. Where
   * it cannot be written it is tried again until it can.
   */
  saveSoon(name: string, document: T): void {
    this.#waiting.set(name, document)
    this.#writing ??= setTimeout(() => this.#writeWaiting(), writeAfterMs)
  }

  /** Idempotent. */
  remove(name: string): void {
    this.#waiting.delete(name)
    this.#refused.delete(name)
    this.#unsynced.delete(name)
    for (const path of [`${this.#file(name)}.new`, this.#file(name)]) removeFileIfThere(path)
  }

  /** Reads all documents. One that is damaged is renamed and told, and the others are used. */
  async load(): Promise<{ readonly documents: readonly T[]; readonly quarantined: readonly Quarantined[] }> {
    const documents: T[] = []
    const quarantined: Quarantined[] = []
    const entries = new Set(await readdir(this.#folder))
    for (const entry of entries)
      if (entry.endsWith('.tmp')) await rm(join(this.#folder, entry), { force: true })
    const names = new Set([...entries].flatMap((entry) => /^(.+)\.json(?:\.new)?$/.exec(entry)?.[1] ?? []))
    for (const name of names) {
      const file = this.#file(name)
      const newest = entries.has(`${name}.json.new`) ? await readDocument(`${file}.new`) : undefined
      if (newest !== undefined && 'document' in newest) {
        documents.push(newest.document as T)
        this.#mustSync(name)
        continue
      }
      // cut off by the end of the machine: the one before is whole
      const before = entries.has(`${name}.json`) ? await readDocument(file) : newest!
      const hasBefore = 'document' in before
      if (newest !== undefined && hasBefore) await rm(`${file}.new`, { force: true })
      if (hasBefore) documents.push(before.document as T)
      else {
        await rename(entries.has(`${name}.json`) ? file : `${file}.new`, `${file}.damaged`)
        await rm(`${file}.new`, { force: true })
        quarantined.push({ path: `${file}.damaged`, error: before.error })
      }
    }
    return { documents, quarantined }
  }

  /** Resolves when everything is on disk. What cannot be written now is given up. */
  async settled(): Promise<void> {
    this.#writeWaiting()
    clearTimeout(this.#writing)
    this.#waiting.clear()
    await this.#work
    await this.#sync()
  }

  #writeWaiting(): void {
    clearTimeout(this.#writing)
    this.#writing = undefined
    for (const [name, document] of [...this.#waiting]) {
      try {
        this.save(name, document)
        this.#refused.delete(name)
      } catch (error) {
        if (!this.#refused.has(name)) this.#onError(error)
        this.#refused.add(name)
        this.#waiting.set(name, document)
      }
    }
    if (this.#waiting.size > 0) this.#writing = setTimeout(() => this.#writeWaiting(), retryMs).unref()
  }

  #mustSync(name: string): void {
    this.#unsynced.set(name, ++this.#changes)
    this.#syncSoon()
  }

  #syncSoon(): void {
    this.#syncing ??= setTimeout(() => {
      this.#work = this.#sync().finally(() => {
        this.#work = undefined
        if (this.#unsynced.size > 0) this.#syncSoon()
      })
    }, syncAfterMs)
  }

  async #sync(): Promise<void> {
    clearTimeout(this.#syncing)
    this.#syncing = undefined
    let renamed = false
    for (const [name, change] of [...this.#unsynced]) {
      if (this.#unsynced.get(name) !== change) continue // removed, or written again meanwhile
      try {
        await syncPath(`${this.#file(name)}.new`)
        if (this.#unsynced.get(name) !== change) continue
        renameSync(`${this.#file(name)}.new`, this.#file(name))
        renamed = true
      } catch (error) {
        // of one that was removed meanwhile it says nothing
        if (this.#unsynced.get(name) === change) this.#onError(error)
      }
      if (this.#unsynced.get(name) === change) this.#unsynced.delete(name)
    }
    if (renamed) await syncPath(this.#folder).catch(this.#onError)
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`)
  }
}

async function readDocument(
  path: string,
): Promise<{ readonly document: unknown } | { readonly error: unknown }> {
  try {
    return { document: JSON.parse(await readFile(path, 'utf8')) as unknown }
  } catch (error) {
    return { error }
  }
}
