import { Fd, onReadable, pidfdOpen } from '@ctr/linux'
import { errnoOf } from '../kernel/errno.js'
import { processesIn } from '../group/processes.js'

/**
 * Sees the end of the last process of a v1 group, of which the kernel tells only by starting a program. One process is
 * watched through its pidfd; when it ends, another one, until there is none. One that was moved elsewhere is watched to
 * its end all the same, and the group looks at again then.
 */
export class LastProcess {
  readonly #folder: string
  readonly #changed: () => void
  #stop: (() => void) | undefined

  /** @param changed - The watched process has ended: look again. */
  constructor(folder: string, changed: () => void) {
    this.#folder = folder
    this.#changed = changed
  }

  /** Whether there are processes now. If so, one of them is watched, unless all have just ended or are not shown here. */
  look(): { readonly populated: boolean; readonly isWatched: boolean } {
    const pids = processesIn(this.#folder)
    for (const pid of this.#stop === undefined ? pids : []) if (pid > 0 && this.#watch(pid)) break
    return { populated: pids.length > 0, isWatched: this.#stop !== undefined }
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #watch(pid: number): boolean {
    let pidfd: Fd
    try {
      pidfd = new Fd(pidfdOpen(pid))
    } catch (error) {
      // EINVAL: a thread of a process that is led by none of this group
      if (['ESRCH', 'EINVAL'].includes(errnoOf(error) ?? '')) return false
      throw error
    }
    const wait = onReadable(pidfd.number, () => {
      pidfd.close()
      this.#stop = undefined
      this.#changed()
    })
    this.#stop = () => {
      wait.cancel()
      pidfd.close()
    }
    return true
  }
}
