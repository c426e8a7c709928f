import { CgroupError, isCgroupError } from '../errors.js'
import type { Cgroup } from '../group/cgroup.js'
import { until, type WaitOptions } from '../group/wait.js'
import { planFor, versionsOf } from '../plan/plan-resources.js'
import type { Resources } from '../plan/resources.js'
import { completed } from './completed.js'
import type { Keeper } from './keeper.js'
import { Manager, type ManagerOptions } from './manager.js'
import { roundQuota } from './quota.js'
import { dependsOnVersion, resourceProperties } from './resource-properties.js'
import { checkUnitName } from './slice.js'
import { isOrdinaryUser } from './where.js'

/** What a {@link Scope} has beside its cgroup. */
interface ScopeParts {
  /** Of the service manager of this user. */
  readonly user: boolean
  readonly keeper?: Keeper | undefined
}

/**
 * A scope of systemd: a unit, and the cgroup that it has. Figures, processes, freezing and killing are those of the
 * {@link Cgroup}; limits are changed, and the whole is removed, here, so that systemd knows.
 */
export class Scope implements AsyncDisposable {
  /** Name of the unit. */
  readonly unit: string
  /** Its cgroup. Not to be updated or removed by itself: systemd would write its own limits again. */
  readonly cgroup: Cgroup
  readonly #parts: ScopeParts

  /** @internal */
  constructor(unit: string, cgroup: Cgroup, parts: ScopeParts) {
    this.unit = unit
    this.cgroup = cgroup
    this.#parts = parts
  }

  /**
   * Ends the process that has kept the scope since it was made. To be called once another is in it, or the scope ends.
   * Idempotent.
   */
  async release(): Promise<void> {
    await this.#parts.keeper?.release()
  }

  /**
   * Changes limits, as `Cgroup.update`: first those that systemd has properties for, then the cgroup's files.
   *
   * @throws {@link CgroupError} as `createScope`; `ERR_CGROUP_NOT_FOUND`: the scope has ended.
   */
  async update(
    resources: Resources,
    options: Pick<ManagerOptions, 'timeoutMs' | 'signal'> = {},
  ): Promise<void> {
    const { hierarchy } = this.cgroup
    const whole = completed(resources, this.cgroup)
    const rounded = { ...whole, cpu: whole.cpu && roundQuota(whole.cpu) }
    planFor(hierarchy, rounded, { smallestMemory: 0, update: true }) // what is wrong is found before anything is done
    this.cgroup.checkUpdate(rounded)
    using manager = new Manager({ ...options, user: this.#parts.user })
    const systemd = dependsOnVersion(rounded) ? await manager.version() : 0
    const properties = resourceProperties(rounded, versionsOf(hierarchy), systemd)
    if (properties.length > 0) {
      // systemd writes v1's device rules from nothing to all: nobody may meet what is between
      const pauses = rounded.devices !== undefined && versionsOf(hierarchy)('devices') === 1
      const frozen = pauses && !this.cgroup.isFrozen()
      if (frozen) await this.cgroup.freeze()
      try {
        await manager.setProperties(this.unit, properties)
        this.cgroup.update(rounded)
      } finally {
        if (frozen) await this.cgroup.thaw()
      }
      return
    }
    this.cgroup.update(rounded)
  }

  /**
   * Ends the unit and removes its cgroup. Waits for processes that are just ending. One that is gone is not an error.
   *
   * @param options - `timeoutMs`, 2000 by default, for processes.
   * @throws {@link CgroupError} `ERR_CGROUP_BUSY`: processes are left: `scope.cgroup.kill()` ends them.
   */
  async remove({ timeoutMs = 2000, signal }: WaitOptions = {}): Promise<void> {
    await this.release()
    const { cgroup } = this
    if (!(await until(() => cgroup.processes().length === 0, timeoutMs, signal)))
      throw new CgroupError(
        'ERR_CGROUP_BUSY',
        `cannot remove ${this.unit} within ${timeoutMs} ms: it has processes (${cgroup.processes().slice(0, 8).join(', ')}), kill() them first`,
        { path: cgroup.path },
      )
    try {
      using manager = new Manager({ user: this.#parts.user, signal })
      await manager.stop(this.unit)
      await manager.resetFailed(this.unit)
    } catch (error) {
      // without its cgroup a unit ends: systemd that is away learns it when it is back
      if (!isCgroupError(error) || !away.has(error.code)) throw error
    }
    await cgroup.remove({ timeoutMs, signal })
  }

  /** Kills what is in it, and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
    await this.cgroup.kill()
    await this.remove()
  }
}

const away: ReadonlySet<string> = new Set(['ERR_CGROUP_UNSUPPORTED', 'ERR_CGROUP_BUS', 'ERR_CGROUP_TIMEOUT'])

/**
 * The scope of a cgroup that {@link createScope} has made, perhaps in another process. Asks nobody.
 *
 * @param cgroup - What `openCgroup` gave.
 * @param options - Whether it is of this user's service manager.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: its name is not that of a scope.
 */
export function scopeOf(
  cgroup: Cgroup,
  { user = isOrdinaryUser() }: Pick<ManagerOptions, 'user'> = {},
): Scope {
  const unit = cgroup.path.slice(cgroup.path.lastIndexOf('/') + 1)
  checkUnitName(unit, 'scope')
  return new Scope(unit, cgroup, { user })
}
