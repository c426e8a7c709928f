import { closeSync, existsSync, fstatSync, openSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { flock, LOCK_EX } from '@ctr/linux'
import { isNetbridgeError, type NetbridgeError } from '../errors.js'
import { EndpointRecords } from './endpoint-records.js'
import { hasCode, listFolder, makeFolder, removeFile, stateError } from './files.js'
import {
  isBridge,
  readNetworkRecord,
  writeNetworkRecord,
  type BridgeRecord,
  type NetworkRecord,
} from './network-record.js'
import { PortClaims } from './port-claims.js'

/** A network whose record cannot be read. */
export interface DamagedNetwork {
  readonly name: string
  /** Names the file. */
  readonly error: NetbridgeError
}

/** The folder of an instance: its networks, and the ports of the host that they publish. */
export class InstanceState {
  readonly #folder: string
  readonly #definitions: string | undefined

  /**
   * @param definitions - Folder in which the networks are described, to outlive a reboot. Default: beside the rest of
   *   each.
   */
  constructor(folder: string, definitions?: string) {
    this.#folder = folder
    this.#definitions = definitions
  }

  /** Folder of a network. */
  networkFolder(name: string): string {
    return join(this.#folder, 'networks', name)
  }

  /** File that says what a network is. */
  recordPath(name: string): string {
    return this.#definitions === undefined
      ? join(this.networkFolder(name), 'network.json')
      : join(this.#definitions, `${name}.json`)
  }

  /** Describes a new network. False when there is one of that name. */
  addRecord(record: NetworkRecord): boolean {
    const path = this.recordPath(record.name)
    makeFolder(dirname(path))
    return writeNetworkRecord(path, record, this.#definitions !== undefined)
  }

  /** The network of that name; undefined when there is none. */
  record(name: string): NetworkRecord | undefined {
    return readNetworkRecord(this.recordPath(name))
  }

  /** The endpoints of a network. */
  endpoints(name: string): EndpointRecords {
    return new EndpointRecords(join(this.networkFolder(name), 'endpoints'))
  }

  /** The ports of the host that its networks publish. */
  ports(): PortClaims {
    return new PortClaims(join(this.#folder, 'ports'))
  }

  /** Names of all networks of the instance. */
  names(): string[] {
    if (this.#definitions === undefined) return listFolder(join(this.#folder, 'networks'))
    return listFolder(this.#definitions).flatMap((name) => /^(.*)\.json$/.exec(name)?.[1] ?? [])
  }

  /** All networks of the instance whose records can be read. */
  networks(): NetworkRecord[] {
    return this.#read().flatMap(({ record }) => record ?? [])
  }

  /** Those whose records are damaged. */
  damaged(): DamagedNetwork[] {
    return this.#read().flatMap(({ name, error }) => (error === undefined ? [] : { name, error }))
  }

  /** Those that have a bridge. */
  bridges(): BridgeRecord[] {
    return this.networks().filter(isBridge)
  }

  /** Makes the folders, and does something that no two processes may do at once. It must not wait for anything. */
  locked<Result>(body: () => Result): Result {
    const fd = this.#lock()
    try {
      return body()
    } finally {
      closeSync(fd)
    }
  }

  /** Removes the folder of a network that could not be made; one that has a record stays. */
  forgetUnrecorded(name: string): void {
    if (!existsSync(this.recordPath(name))) this.removeNetwork(name)
  }

  /** Removes the folder of a network and, when nothing else is in it, that of the instance. */
  removeNetwork(name: string): void {
    removeFile(this.recordPath(name))
    rmSync(this.networkFolder(name), { recursive: true, force: true })
    try {
      rmdirSync(join(this.#folder, 'networks'))
      rmSync(join(this.#folder, 'ports'), { recursive: true, force: true })
      rmSync(join(this.#folder, 'lock'), { force: true })
      rmdirSync(this.#folder)
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'ENOENT')) throw stateError(`remove ${this.#folder}`, error)
    }
  }

  #read(): {
    readonly name: string
    readonly record?: NetworkRecord | undefined
    readonly error?: NetbridgeError
  }[] {
    return this.names().map((name) => {
      try {
        return { name, record: this.record(name) }
      } catch (error) {
        if (!isNetbridgeError(error) || error.code !== 'ERR_NETBRIDGE_STATE') throw error
        return { name, error }
      }
    })
  }

  #lock(): number {
    const path = join(this.#folder, 'lock')
    while (true) {
      makeFolder(join(this.#folder, 'networks'))
      makeFolder(join(this.#folder, 'ports'))
      const fd = openLock(path)
      flock(fd, LOCK_EX)
      // whoever had it may have removed the last network, and the whole folder with it
      if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd
      closeSync(fd)
    }
  }
}

function openLock(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw stateError(`open ${path}`, error)
  }
}
