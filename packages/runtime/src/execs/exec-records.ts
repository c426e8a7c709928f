import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unpinProcess } from '../container/pin.js'
import { unlinkIfThere } from '../unlink-if-there.js'

/** A program that `exec` has started, and that outlives whoever has. */
export interface ExecRecord {
  /** 64 hexadecimal digits. */
  readonly id: string
  /** Id of its container. */
  readonly container: string
  /** Process id on the host. */
  readonly pid: number
  /** When it began, in clock ticks since boot: tells the process from a later one of the same id. */
  readonly startTicks: string | null
  /** The boot that it was started in. */
  readonly bootId: string
  /** It has a terminal. */
  readonly terminal: boolean
  /** What was to be kept with it. */
  readonly note: string
}

const pattern = /^([0-9a-f]{64})\.([0-9a-f]{64})/

/** What an exec is called among those of all containers. */
export function execName(container: string, id: string): string {
  return `${container}.${id}`
}

/**
 * The records of programs that `exec` has started and that run, in the folder of what a reboot ends:
 * `execs/CONTAINER.ID.json`, beside which `execs/CONTAINER.ID` is the pinned process.
 */
export class ExecRecords {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Writes a record; another process sees all of it or none. Nothing waits for a disk. */
  save(record: ExecRecord): void {
    const file = this.#file(execName(record.container, record.id))
    try {
      writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    } catch (error) {
      unlinkIfThere(`${file}.new`)
      throw error
    }
  }

  /** True when there is a record of this name. */
  has(name: string): boolean {
    return existsSync(this.#file(name))
  }

  /** Ids of the containers of which there is something. */
  containers(): string[] {
    return readdirSync(this.#folder).flatMap((name) => pattern.exec(name)?.[1] ?? [])
  }

  /** The records of a container. What cannot be read is none, and goes with the container's run. */
  of(container: string): ExecRecord[] {
    return this.#names(container).flatMap((name) => (name.endsWith('.json') ? (this.#read(name) ?? []) : []))
  }

  /** Where the process of an exec is pinned. */
  pin(name: string): string {
    return join(this.#folder, name)
  }

  /** Removes a record, and lets go of its process. Idempotent. */
  async remove(name: string): Promise<void> {
    unlinkIfThere(this.#file(name))
    await unpinProcess(this.pin(name))
  }

  /**
   * Removes everything of a container. Idempotent.
   *
   * @returns False when there was nothing.
   */
  async removeOf(container: string): Promise<boolean> {
    const names = this.#names(container)
    for (const name of names) {
      if (name.includes('.json')) unlinkIfThere(join(this.#folder, name))
      else await unpinProcess(join(this.#folder, name))
    }
    return names.length > 0
  }

  #names(container: string): string[] {
    return readdirSync(this.#folder).filter((name) => name.startsWith(`${container}.`))
  }

  #read(name: string): ExecRecord | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as ExecRecord
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`)
  }
}
