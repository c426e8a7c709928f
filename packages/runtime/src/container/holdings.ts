import type { Cgroup } from '@ctr/cgroups'
import type { ExitStatus } from '@ctr/linux'
import type { Context } from '../context.js'
import { cgroupOf } from './cgroups.js'
import { exitOf, unwatched } from './exit.js'
import type { KeptRecord } from './kept-record.js'
import type { NetworkLoss } from './network-loss.js'
import type { ContainerExit } from './record.js'
import { releaseRunning, removeFiles } from './release.js'
import { isOrdinary, type WarmRoot } from './warm-root.js'

/** What a container was started with here. */
export interface StartedHere {
  /** Its root, where that goes back to the warm ones. */
  readonly warm: WarmRoot | undefined
  /** Told when it is no more. */
  readonly removed: () => void
}

/** What follows from the end of a container's program, step by step. */
export interface Ending {
  /** Resolves when it is noted how the program has ended, and its addresses and ports are free. */
  readonly noted: Promise<ContainerExit>
  /** Resolves when everything that only a running container needs was given back. */
  readonly released: Promise<ContainerExit>
}

/** Of a container that has ended long ago. */
export function endedBefore(exit: ContainerExit): Ending {
  const known = Promise.resolve(exit)
  return { noted: known, released: known }
}

/** What a container holds, and how it gives that back at its end. */
export class Holdings {
  readonly #context: Context
  readonly #kept: KeptRecord
  readonly #network: NetworkLoss
  readonly #removed: (() => void) | undefined
  #cgroup: Cgroup | undefined
  #warm: WarmRoot | undefined
  #gone = false

  constructor(
    context: Context,
    { kept, network }: { readonly kept: KeptRecord; readonly network: NetworkLoss },
    here: StartedHere | undefined,
    cgroup: Cgroup | undefined,
  ) {
    this.#context = context
    this.#kept = kept
    this.#network = network
    this.#removed = here?.removed
    this.#warm = here?.warm
    this.#cgroup = cgroup
  }

  /** Its cgroup; undefined when it is gone, or where there is none. */
  cgroup(): Cgroup | undefined {
    this.#cgroup ??= cgroupOf(this.#context, this.#kept.current.id)
    return this.#cgroup
  }

  /** Its root, where that is mounted here. */
  get warm(): WarmRoot | undefined {
    return this.#warm ?? this.#context.keptRoots.mounted(this.#kept.current.rootId)
  }

  /** From the end of the program to the end of the container: figures, release, record. */
  finish(ended: Promise<ExitStatus | undefined>): Ending {
    let tell: (exit: ContainerExit) => void
    const networkFree = new Promise<ContainerExit>((resolve) => (tell = resolve))
    const released = this.#finish(ended, (exit) => {
      tell(exit)
    })
    const noted = Promise.race([networkFree, released])
    for (const each of [noted, released]) each.catch(() => undefined) // told to whoever waits
    return { noted, released }
  }

  async #finish(
    ended: Promise<ExitStatus | undefined>,
    tell: (exit: ContainerExit) => void,
  ): Promise<ContainerExit> {
    const status = await ended
    await this.#context.turns.next()
    this.#network[Symbol.dispose]()
    if (this.#gone) return unwatched
    const cgroup = this.cgroup()
    const { id, rootId, network, autoRemove, options, exit: noted, sharesProcesses } = this.#kept.current
    if (rootId !== null) this.#context.keptRoots.rest(rootId)
    const exit = noted ?? exitOf(status, cgroup)
    if (options !== null) {
      // once it has given back its process nobody could tell any more
      this.#kept.current = { ...this.#kept.current, exit }
      this.#kept.saveInTheEnd()
    }
    const networked = network.mode === 'bridge'
    const byProgram = network.mode === 'pasta' || network.mode === 'slirp4netns'
    const networkFree = (): void => {
      // on disk it runs until nothing is left that another process could take for its own
      this.#kept.current = { ...this.#kept.current, status: 'exited', exit }
      tell(exit)
    }
    await releaseRunning(this.#context, id, { cgroup, networked, byProgram, sharesProcesses, networkFree })
    this.#cgroup = undefined
    if (autoRemove) await this.remove({ volumes: true })
    else if (this.#removed === undefined || options !== null) this.#kept.saveInTheEnd()
    else this.#kept.saveSoon()
    return exit
  }

  /**
   * Removes all that it has on disk.
   *
   * @param volumes - Also the volumes that were made for it without a name; always where it removes itself.
   */
  async remove({ volumes }: { readonly volumes: boolean }): Promise<void> {
    this.#kept.stopSaving()
    const warm = this.#warm
    this.#warm = undefined
    await this.#context.turns.next()
    const { current } = this.#kept
    const { roots, keptRoots } = this.#context
    const reusable = isOrdinary(current.capabilities)
    if (warm !== undefined) await roots.giveBack(warm, reusable)
    const next = current.rootId === null ? undefined : keptRoots.takeOut(current.rootId, reusable)
    const record = warm === undefined && next === undefined ? current : { ...current, rootId: null }
    await removeFiles(this.#context, record, { anonymousVolumes: volumes || record.autoRemove })
    // not before: should we be killed, two records must not name it
    if (next !== undefined) await roots.keep(next)
    this.#removed?.()
  }

  /** Nobody is there any more to see how it ends. */
  letGo(): void {
    this.#gone = true
    this.#kept.saveNow()
    this.#network[Symbol.dispose]()
    const { rootId } = this.#kept.current
    if (rootId !== null) this.#context.keptRoots.letGo(rootId)
    void this.#warm?.unmount()
    this.#warm = undefined
  }
}
