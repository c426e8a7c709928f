import { closeSync, existsSync, fstatSync, openSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { flock, LOCK_EX } from '@ctr/linux'
import { EndpointRecords } from './endpoint-records.js'
import { hasCode, listFolder, makeFolder, stateError } from './files.js'
import { readNetworkRecord, type NetworkRecord } from './network-record.js'
import { PortClaims } from './port-claims.js'

/** The folder of an instance: its networks, and the ports of the host that they publish. */
export class InstanceState {
  readonly #folder: string
  readonly ports: PortClaims

  constructor(folder: string) {
    this.#folder = folder
    this.ports = new PortClaims(join(folder, 'ports'))
  }

  /** Folder of a network. */
  networkFolder(bridge: string): string {
    return join(this.#folder, 'networks', bridge)
  }

  /** File that says what a network is. */
  recordPath(bridge: string): string {
    return join(this.networkFolder(bridge), 'network.json')
  }

  /** The endpoints of a network. */
  endpoints(bridge: string): EndpointRecords {
    return new EndpointRecords(join(this.networkFolder(bridge), 'endpoints'))
  }

  /** All networks of the instance. */
  networks(): NetworkRecord[] {
    return listFolder(join(this.#folder, 'networks')).flatMap(
      (bridge) => readNetworkRecord(this.recordPath(bridge)) ?? [],
    )
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
  forgetUnrecorded(bridge: string): void {
    if (!existsSync(this.recordPath(bridge))) this.removeNetwork(bridge)
  }

  /** Removes the folder of a network and, when nothing else is in it, that of the instance. */
  removeNetwork(bridge: string): void {
    rmSync(this.networkFolder(bridge), { recursive: true, force: true })
    try {
      rmdirSync(join(this.#folder, 'networks'))
      rmdirSync(join(this.#folder, 'ports'))
      rmSync(join(this.#folder, 'lock'), { force: true })
      rmdirSync(this.#folder)
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'ENOENT')) throw stateError(`remove ${this.#folder}`, error)
    }
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
