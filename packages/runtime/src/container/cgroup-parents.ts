import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unlinkIfThere } from '../unlink-if-there.js'

/**
 * Notes of the cgroups that lie elsewhere than those of other containers: one file a container, there before its cgroup
 * is and as long as that. Whoever finds it after a crash finds the cgroup.
 */
export class CgroupParents {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Where the container's cgroup lies; undefined where all others do. */
  get(id: string): string | undefined {
    const path = join(this.#folder, id)
    if (!existsSync(path)) return undefined // nearly always
    const parent = readFileSync(path, 'utf8')
    return parent === '' ? undefined : parent // cut off by a crash, before there was a cgroup
  }

  set(id: string, parent: string): void {
    writeFileSync(join(this.#folder, id), parent, { mode: 0o600 })
  }

  /** Idempotent. */
  remove(id: string): void {
    const path = join(this.#folder, id)
    if (existsSync(path)) unlinkIfThere(path)
  }

  /** Containers that have one. */
  ids(): readonly string[] {
    return readdirSync(this.#folder)
  }
}
