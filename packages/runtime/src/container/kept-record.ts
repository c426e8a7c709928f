import type { ContainerRecord } from './record.js'
import type { ContainerRecords } from './records.js'

/** Most containers are removed as soon as they have ended: then how they ended need not be written. */
const saveAfterMs = 20
/** How soon a write is tried again that failed, as on a full disk. */
const retryMs = 1000

/** What a handle knows of its container, and when that is written to disk. */
export class KeptRecord {
  /** What is known now. */
  current: ContainerRecord
  readonly #records: ContainerRecords
  #saving: NodeJS.Timeout | undefined

  constructor(records: ContainerRecords, record: ContainerRecord) {
    this.#records = records
    this.current = record
  }

  /** Writes it, unless the container was removed meanwhile. */
  save(): void {
    this.stopSaving()
    if (this.#records.has(this.current.id)) this.#records.save(this.current)
  }

  /**
   * Writes it now, or as soon as that can be done: what has happened has happened, also where the disk is full. Whoever
   * opens the runtime before finds by itself that the container has ended.
   */
  saveInTheEnd(): void {
    try {
      this.save()
    } catch {
      this.#saving = setTimeout(() => {
        this.saveInTheEnd()
      }, retryMs)
      this.#saving.unref()
    }
  }

  /** Writes it soon, unless {@link stopSaving} comes first. */
  saveSoon(): void {
    this.#saving = setTimeout(() => {
      this.saveInTheEnd()
    }, saveAfterMs)
  }

  /** Writes what was to be written soon, if that can be done. */
  saveNow(): void {
    if (this.#saving !== undefined) this.saveInTheEnd()
    this.stopSaving()
  }

  /** The container is removed: nothing is left to be written. */
  stopSaving(): void {
    clearTimeout(this.#saving)
    this.#saving = undefined
  }
}
