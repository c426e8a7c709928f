import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PublishedPort } from '../ports.js'
import { Claims } from './claims.js'
import { hasCode, listFolder, stateError } from './files.js'

/** A port of the host, without where it leads. */
export type HostPort = Pick<PublishedPort, 'protocol' | 'host' | 'hostIp'>

/** Of both families. */
const EVERY_ADDRESS = '0.0.0.0'
const EVERY_IPV6 = '::'

/**
 * Who publishes which port of the host: a folder per protocol and port with a claim per address in it, so
 * that "every address" and a single one are seen to conflict whatever the number of ports.
 */
export class PortClaims {
  /** Where claims are kept. */
  readonly folder: string

  /** @param folder - It must be there. */
  constructor(folder: string) {
    this.folder = folder
  }

  /**
   * @param owner - Who publishes it.
   * @returns Undefined when the port is now claimed, else who has it or an overlapping one.
   */
  claim(port: HostPort, owner: string): string | undefined {
    const folder = this.#folderOf(port)
    const claims = new Claims(folder)
    while (true) {
      makePortFolder(folder)
      try {
        if (!claims.claim(port.hostIp, owner)) return claims.owner(port.hostIp) ?? 'somebody'
        break
      } catch (error) {
        // the last claim of this port was released in between, and the folder with it
        if (!hasCode((error as Error).cause, 'ENOENT')) throw error
      }
    }
    // claim first, look then: of two that do this at once at least one sees the other
    for (const address of claims.names()) {
      if (address === port.hostIp || !overlap(address, port.hostIp)) continue
      const other = claims.owner(address)
      if (other === undefined) continue
      this.release(port, owner)
      return other
    }
    return undefined
  }

  /** Gives a port back, if this owner has it. */
  release(port: HostPort, owner: string): void {
    const folder = this.#folderOf(port)
    new Claims(folder).release(port.hostIp, owner)
    removePortFolder(folder)
  }

  /** Every claimed port, with its owner. Folders that were left without a claim are removed. */
  *entries(): Generator<readonly [port: HostPort, owner: string]> {
    for (const name of listFolder(this.folder)) {
      const [, protocol, host] = /^(tcp|udp|sctp)-(\d{1,5})$/.exec(name) ?? []
      if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') continue
      const claims = new Claims(join(this.folder, name))
      const addresses = claims.names()
      if (addresses.length === 0) removePortFolder(join(this.folder, name)) // somebody was killed in between
      for (const hostIp of addresses) {
        const owner = claims.owner(hostIp)
        if (owner !== undefined) yield [{ protocol, host: Number(host), hostIp }, owner]
      }
    }
  }

  /** Whether anybody has a port, by the name of its folder. */
  hasFolder(name: string): boolean {
    return existsSync(join(this.folder, name))
  }

  #folderOf(port: HostPort): string {
    return join(this.folder, portFolderName(port))
  }
}

/** Name of the folder in which the claims of a port are, on whatever address. */
export function portFolderName({ protocol, host }: HostPort): string {
  return `${protocol}-${host}`
}

function overlap(a: string, b: string): boolean {
  if (a === EVERY_ADDRESS || b === EVERY_ADDRESS) return true
  return a.includes(':') && b.includes(':') && (a === EVERY_IPV6 || b === EVERY_IPV6)
}

function makePortFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw stateError(`make the folder ${folder}`, error)
  }
}

function removePortFolder(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY')) throw stateError(`remove ${folder}`, error)
  }
}
