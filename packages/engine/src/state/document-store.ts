import { mkdirSync } from 'node:fs'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A document that could not be read: it was put aside. */
export interface Quarantined {
  /** Where it is now. */
  readonly path: string
  readonly error: unknown
}

/** JSON documents in a folder, a file each. A crash at any instant leaves the old or the new one. */
export class DocumentStore<T> {
  readonly #folder: string
  /** The last write or removal of each document, after which the next one is done. */
  readonly #pending = new Map<string, Promise<void>>()

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Resolves when the document is on disk. */
  async save(name: string, document: T): Promise<void> {
    const text = JSON.stringify(document) // as it is now
    await this.#inTurn(name, () => this.#write(name, text))
  }

  /** Idempotent. */
  async remove(name: string): Promise<void> {
    await this.#inTurn(name, () => rm(this.#file(name), { force: true }))
  }

  /** Reads all documents. One that is damaged is renamed and told, and the others are used. */
  async load(): Promise<{ readonly documents: readonly T[]; readonly quarantined: readonly Quarantined[] }> {
    const documents: T[] = []
    const quarantined: Quarantined[] = []
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name)
      if (name.endsWith('.tmp')) await rm(path, { force: true })
      if (!name.endsWith('.json')) continue
      try {
        documents.push(JSON.parse(await readFile(path, 'utf8')) as T)
      } catch (error) {
        await rename(path, `${path}.damaged`)
        quarantined.push({ path: `${path}.damaged`, error })
      }
    }
    return { documents, quarantined }
  }

  /** Resolves when everything is on disk. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending.values())
  }

  async #inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const before = this.#pending.get(name) ?? Promise.resolve()
    const now = before.catch(() => undefined).then(work)
    this.#pending.set(name, now)
    try {
      await now
    } finally {
      if (this.#pending.get(name) === now) this.#pending.delete(name)
    }
  }

  async #write(name: string, text: string): Promise<void> {
    const temporary = `${this.#file(name)}.tmp`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, this.#file(name))
    const folder = await open(this.#folder)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`)
  }
}
