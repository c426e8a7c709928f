import { join } from 'node:path'
import type { PublishedPort } from '../ports.js'
import { SharedTable } from './shared-table.js'

/** A port of the host, without where it leads. */
export type HostPort = Pick<PublishedPort, 'protocol' | 'host' | 'hostIp'>

/** Of both families. */
const EVERY_ADDRESS = '0.0.0.0'
const EVERY_IPV6 = '::'

/**
 * Who publishes which port of the host: for each protocol and port the addresses with their owners, so that "every
 * address" and a single one are seen to conflict whatever the number of ports.
 */
export class PortClaims {
  readonly #table: SharedTable
  /** Where claims are kept. */
  readonly folder: string

  /** @param folder - It must be there. */
  constructor(folder: string) {
    this.folder = folder
    this.#table = new SharedTable(join(folder, 'claims'))
  }

  /**
   * @param owner - Who publishes it.
   * @returns Undefined when the port is now claimed, else who has it or an overlapping one.
   */
  claim(port: HostPort, owner: string): string | undefined {
    const key = portKey(port)
    return this.#table.change((table) => {
      const claims = readClaims(table.get(key))
      for (const [address, other] of claims) if (overlap(address, port.hostIp)) return other
      table.set(key, writeClaims([...claims, [port.hostIp, owner]]))
      return undefined
    })
  }

  /** Gives a port back, if this owner has it. */
  release(port: HostPort, owner: string): void {
    const key = portKey(port)
    if (this.#table.get(key) === undefined) return
    this.#table.change((table) => {
      const claims = readClaims(table.get(key))
      const rest = claims.filter(([address, other]) => address !== port.hostIp || other !== owner)
      if (rest.length === claims.length) return
      if (rest.length === 0) table.delete(key)
      else table.set(key, writeClaims(rest))
    })
  }

  /** Whether somebody publishes a port, on whatever address. */
  has(port: Pick<HostPort, 'protocol' | 'host'>): boolean {
    return this.#table.get(portKey(port)) !== undefined
  }

  /** Every claimed port, with its owner. */
  *entries(): Generator<readonly [port: HostPort, owner: string]> {
    for (const [key, claims] of this.#table.entries()) {
      const [, protocol, host] = /^(tcp|udp|sctp)-(\d{1,5})$/.exec(key) ?? []
      if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') continue
      for (const [hostIp, owner] of readClaims(claims))
        yield [{ protocol, host: Number(host), hostIp }, owner]
    }
  }

  /** Calls back with the {@link portKey} of each port that another process gives back, when that is noticed. */
  onRelease(callback: (key: string) => void): void {
    this.#table.onDelete = callback
  }

  /** Notices what other processes have done. */
  refresh(): void {
    this.#table.refresh()
  }

  /** Closes the file. */
  close(): void {
    this.#table.close()
  }
}

/** Stands for a port on whatever address. */
export function portKey({ protocol, host }: Pick<HostPort, 'protocol' | 'host'>): string {
  return `${protocol}-${host}`
}

type Claim = readonly [address: string, owner: string]

function readClaims(text = ''): Claim[] {
  return text.split(',').flatMap((claim) => {
    const at = claim.indexOf('=')
    return at === -1 ? [] : [[claim.slice(0, at), claim.slice(at + 1)]]
  })
}

function writeClaims(claims: readonly Claim[]): string {
  return claims.map(([address, owner]) => `${address}=${owner}`).join(',')
}

function overlap(a: string, b: string): boolean {
  if (a === b || a === EVERY_ADDRESS || b === EVERY_ADDRESS) return true
  return a.includes(':') && b.includes(':') && (a === EVERY_IPV6 || b === EVERY_IPV6)
}
