import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '../dbus/connection.js'
import type { MethodCall } from '../dbus/message.js'
import type { Value } from '../dbus/value.js'
import { CgroupError, isCgroupError, type CgroupErrorCode } from '../errors.js'
import { EndedJobs, MANAGER_INTERFACE } from './ended-jobs.js'
import type { UnitProperty } from './unit-property.js'
import { findManager, isOrdinaryUser } from './where.js'

/** How a service manager is reached. */
export interface ManagerOptions {
  /** That of this user instead of the system's. Default: for users other than root. */
  readonly user?: boolean | undefined
  /** How long systemd may take for a step, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined
  /** Ends the wait with Node's `AbortError`. */
  readonly signal?: AbortSignal | undefined
}

const NAME = 'org.freedesktop.systemd1'
const OBJECT = '/org/freedesktop/systemd1'

/** systemd, as far as scopes need it. For one step after the other. */
export class Manager implements Disposable {
  readonly #connection: Connection
  readonly #isBus: boolean
  readonly #timeoutMs: number
  #subscription: Promise<unknown> | undefined

  /** @throws {@link CgroupError} `ERR_CGROUP_UNSUPPORTED`: there is none. */
  constructor({ user = isOrdinaryUser(), timeoutMs = 30_000, signal }: ManagerOptions = {}) {
    const { path, kind } = findManager(user)
    this.#isBus = kind === 'bus'
    this.#timeoutMs = timeoutMs
    this.#connection = new Connection(path, { kind, timeoutMs, signal })
  }

  /**
   * Starts a unit that is no file, and waits until it runs. A failed one of the same name is forgotten first.
   *
   * @throws {@link CgroupError} `ERR_CGROUP_EXISTS`: there is a unit of this name; others as {@link explained}.
   */
  async startTransient(unit: string, properties: readonly UnitProperty[]): Promise<void> {
    const start = () =>
      this.#job(`start ${unit}`, unit, {
        member: 'StartTransientUnit',
        signature: 'ssa(sv)a(sa(sv))',
        body: [unit, 'replace', properties.map(({ name, ...value }) => [name, value]), []],
      })
    try {
      await start()
    } catch (error) {
      if (!isCgroupError(error) || error.code !== 'ERR_CGROUP_EXISTS') throw error
      await this.resetFailed(unit)
      await start()
    }
  }

  /** Stops a unit and waits until it has. One that is gone is not an error. */
  async stop(unit: string): Promise<void> {
    try {
      await this.#job(`stop ${unit}`, unit, {
        member: 'StopUnit',
        signature: 'ss',
        body: [unit, 'replace'],
      })
    } catch (error) {
      if (!isCgroupError(error) || error.code !== 'ERR_CGROUP_NOT_FOUND') throw error
    }
  }

  /** Lets systemd forget that a unit has failed. One that has not, or is gone, is not an error. */
  async resetFailed(unit: string): Promise<void> {
    try {
      await this.#call(`reset ${unit}`, { member: 'ResetFailedUnit', signature: 's', body: [unit] })
    } catch (error) {
      if (!isCgroupError(error) || error.code !== 'ERR_CGROUP_NOT_FOUND') throw error
    }
  }

  /** Changes properties of a unit until it stops; resolves when systemd has written what follows from them. */
  async setProperties(unit: string, properties: readonly UnitProperty[]): Promise<void> {
    await this.#call(`change ${unit}`, {
      member: 'SetUnitProperties',
      signature: 'sba(sv)',
      body: [unit, true, properties.map(({ name, ...value }) => [name, value])],
    })
    // cgroups are written to when systemd comes to its next event, which is this
    await this.version()
  }

  /** Where a scope is among cgroups. */
  async controlGroup(unit: string): Promise<string> {
    const path = `${OBJECT}/unit/${escapeLabel(unit)}`
    const [value] = await this.#get(`find the cgroup of ${unit}`, path, `${NAME}.Scope`, 'ControlGroup')
    if (typeof value === 'string' && value.startsWith('/')) return value
    throw new CgroupError('ERR_CGROUP_SYSTEMD', `cannot find the cgroup of ${unit}: systemd gave it none`)
  }

  /** The version of systemd; 0 when it has no number. */
  async version(): Promise<number> {
    const [value] = await this.#get('ask systemd for its version', OBJECT, MANAGER_INTERFACE, 'Version')
    return Number(/^v?(\d{1,5})/.exec(typeof value === 'string' ? value : '')?.[1] ?? 0)
  }

  [Symbol.dispose](): void {
    this.#connection.close()
  }

  async #get(action: string, path: string, owner: string, property: string): Promise<readonly Value[]> {
    const { values } = await this.#call(action, {
      path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      body: [owner, property],
    })
    const [variant] = values
    return typeof variant === 'object' && 'value' in variant ? [variant.value] : []
  }

  async #call(
    action: string,
    call: Partial<MethodCall> & Pick<MethodCall, 'member'>,
  ): Promise<{ sender: string | undefined; values: readonly Value[] }> {
    try {
      return await this.#connection.call({
        destination: NAME,
        path: OBJECT,
        interface: MANAGER_INTERFACE,
        ...call,
      })
    } catch (error) {
      throw explained(action, error)
    }
  }

  /** Has systemd begin a job, and waits for its end. */
  async #job(action: string, unit: string, call: Pick<MethodCall, 'member' | 'signature' | 'body'>) {
    const ended = new EndedJobs(unit)
    this.#connection.onSignal = (message) => {
      ended.note(message)
    }
    const bounded = new AbortController()
    try {
      const listening = this.#isBus ? [this.#listen(unit), this.#subscribe()] : []
      const [{ sender, values }] = await Promise.all([this.#call(action, call), ...listening])
      const late = sleep(this.#timeoutMs, 'no result in time', { signal: bounded.signal })
      const result = await Promise.race([ended.of(sender, values[0]), this.#connection.lost, late])
      if (result === 'done') return
      const code = result === 'no result in time' ? 'ERR_CGROUP_TIMEOUT' : 'ERR_CGROUP_SYSTEMD'
      throw new CgroupError(code, `cannot ${action}: the job of systemd ended with: ${result}`)
    } finally {
      bounded.abort()
      this.#connection.onSignal = () => undefined
    }
  }

  /** Has systemd tell of jobs, which it does for nobody by itself; it refuses a second time. */
  #subscribe(): Promise<unknown> {
    this.#subscription ??= this.#call('listen to jobs', { member: 'Subscribe' })
    return this.#subscription
  }

  #listen(unit: string): Promise<unknown> {
    const rule = `type='signal',sender='${NAME}',path='${OBJECT}',interface='${MANAGER_INTERFACE}',member='JobRemoved',arg2='${unit}'`
    const bus = 'org.freedesktop.DBus'
    return this.#call(`listen to jobs of ${unit}`, {
      destination: bus,
      path: '/org/freedesktop/DBus',
      interface: bus,
      member: 'AddMatch',
      signature: 's',
      body: [rule],
    })
  }
}

const codes: Readonly<Record<string, CgroupErrorCode>> = {
  'org.freedesktop.DBus.Error.AccessDenied': 'ERR_CGROUP_PERMISSION',
  'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired': 'ERR_CGROUP_PERMISSION',
  'org.freedesktop.DBus.Error.InvalidArgs': 'ERR_CGROUP_REFUSED',
  'org.freedesktop.DBus.Error.PropertyReadOnly': 'ERR_CGROUP_REFUSED',
  'org.freedesktop.DBus.Error.UnixProcessIdUnknown': 'ERR_CGROUP_NO_PROCESS',
  'org.freedesktop.systemd1.NoSuchUnit': 'ERR_CGROUP_NOT_FOUND',
  'org.freedesktop.systemd1.UnitExists': 'ERR_CGROUP_EXISTS',
}

/** An answer that is an error, in our words; the error of the bus stays its cause. */
function explained(action: string, error: unknown): unknown {
  if (!isCgroupError(error) || error.code !== 'ERR_CGROUP_SYSTEMD') return error
  const { name } = error.cause as Error
  const code = Object.hasOwn(codes, name) ? codes[name]! : 'ERR_CGROUP_SYSTEMD'
  return new CgroupError(code, `cannot ${action}: ${error.message}`, { cause: error.cause })
}

/** A name as part of an object path: what is no letter or digit by its number. */
function escapeLabel(name: string): string {
  return name.replace(/^\d|[^A-Za-z0-9]/g, (one) => `_${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
