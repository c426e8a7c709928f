import type { ContainerRecords, ContainerRecord } from './record.js'

/** Most containers are removed as soon as they have ended: then how they ended need not be written. */
const saveAfterMs = 20

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

  /** Writes it soon, unless {@link stopSaving} comes first. */
  saveSoon(): void {
    this.#saving = setTimeout(() => {
      this.save()
    }, saveAfterMs)
  }

  /** Writes what was to be written soon. */
  saveNow(): void {
    if (this.#saving !== undefined) this.save()
  }

  /** The container is removed: nothing is left to be written. */
  stopSaving(): void {
    clearTimeout(this.#saving)
    this.#saving = undefined
  }
}
