import { readFileSync, writeFileSync } from 'node:fs'
import { startTicks } from '@ctr/runtime'
import { removeFileIfThere } from '../state/remove-if-there.js'

/**
 * Which process a probe is that runs, in a file: a daemon that is killed leaves it behind, and the next one ends it before
 * it begins with probes of its own.
 */
export class ProbeNote {
  readonly #path: string

  /** @param path - In a folder that does not survive a reboot. */
  constructor(path: string) {
    this.#path = path
  }

  write(pid: number): void {
    writeFileSync(this.#path, `${pid} ${startTicks(pid) ?? ''}`, { mode: 0o600 })
  }

  /** Idempotent. */
  remove(): void {
    removeFileIfThere(this.#path)
  }

  /** Ends what an earlier daemon has left. */
  endLeftBehind(): void {
    const [pid, ticks] = this.#read()?.split(' ') ?? []
    if (pid === undefined || ticks === undefined) return
    if (ticks !== '' && startTicks(Number(pid)) === ticks) process.kill(-Number(pid), 'SIGKILL')
    this.remove()
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}
