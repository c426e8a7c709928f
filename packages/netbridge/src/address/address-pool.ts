import { join } from 'node:path'
import { NetbridgeError } from '../errors.js'
import { makeFolder } from '../state/files.js'
import { SharedTable } from '../state/shared-table.js'
import { containsIp, formatIp, formatIpSubnet, lastIp, parseIp, sizeOf, type IpSubnet } from './ip.js'

/** Key of where the search goes on, as the number of an address in the range. */
const CURSOR = 'cursor'
/** Addresses of one pool that are handed out by themselves, of a subnet however large. */
const MOST = 2n ** 31n

/** Which addresses a pool hands out. */
export interface PoolRange {
  readonly subnet: IpSubnet
  /** Part of the subnet that addresses are chosen from. Default all of it. */
  readonly range?: IpSubnet | undefined
  /** The parts of it that may be used now, where other hosts have the others. Default the range. */
  readonly parts?: (() => readonly IpSubnet[]) | undefined
  /** Addresses that nobody gets: the gateway, and those that belong to others. */
  readonly reserved: readonly string[]
}

/**
 * Addresses of a subnet, each handed out once. Kept in a file, so that any number of processes share one
 * pool and a crash loses none. The search goes on where the last one ended, in whatever process that was:
 * an address that was given back is not given out again at once, when neighbours still remember its old owner.
 */
export class AddressPool {
  readonly #subnet: IpSubnet
  readonly #range: IpSubnet
  readonly #parts: (() => readonly IpSubnet[]) | undefined
  readonly #reserved: ReadonlySet<string>
  readonly #taken: SharedTable

  /** @param folder - Where the pool keeps its file; made if it is not there. IPv4 and IPv6 may share it. */
  constructor(folder: string, { subnet, range = subnet, parts, reserved }: PoolRange) {
    this.#subnet = subnet
    this.#parts = parts
    this.#range = range
    const ends = subnet.family === 4 ? [subnet.base, lastIp(subnet)] : [subnet.base]
    this.#reserved = new Set([
      ...ends.map((value) => formatIp({ family: subnet.family, value })),
      ...reserved,
    ])
    makeFolder(join(folder, 'addresses'))
    this.#taken = new SharedTable(join(folder, 'addresses', `ipv${subnet.family}`))
  }

  /**
   * Takes the next free address.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_POOL_EXHAUSTED`.
   */
  allocate(owner: string): string {
    const parts = this.#parts?.() ?? [this.#range]
    const count = parts.reduce((sum, part) => sum + countOf(part), 0)
    return this.#taken.change((taken) => {
      const start = Number(taken.get(CURSOR) ?? 1)
      for (let step = 0; step < count; step++) {
        const offset = (start + step) % count
        const address = addressAt(parts, offset)
        if (this.#reserved.has(address) || taken.get(address) !== undefined) continue
        taken.set(address, owner)
        taken.set(CURSOR, String(offset + 1))
        return address
      }
      throw new NetbridgeError(
        'ERR_NETBRIDGE_POOL_EXHAUSTED',
        `cannot allocate an address of ${parts.map(formatIpSubnet).join(', ') || formatIpSubnet(this.#range)}: all are taken`,
      )
    })
  }

  /**
   * Takes a certain address of the subnet, also one outside the range.
   *
   * @returns The address as it is written everywhere.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: not an address for containers of this subnet.
   *   `ERR_NETBRIDGE_ADDRESS_TAKEN`: somebody has it.
   */
  claim(address: string, owner: string): string {
    const ip = parseIp(address)
    const text = ip === undefined ? address : formatIp(ip)
    const reserved = this.#reserved.has(text)
    if (ip === undefined || reserved || !containsIp(this.#subnet, ip)) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_INVALID_ARG',
        `cannot use ${text}: ${reserved ? 'it is reserved in' : 'it is not in'} ${formatIpSubnet(this.#subnet)}`,
      )
    }
    if (this.#parts?.().some((part) => containsIp(part, ip)) === false) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_ADDRESS_TAKEN',
        `cannot use ${text}: it is in no block of this host`,
      )
    }
    this.#taken.change((taken) => {
      const other = taken.get(text)
      if (other !== undefined)
        throw new NetbridgeError('ERR_NETBRIDGE_ADDRESS_TAKEN', `cannot use ${text}: ${other} has it`)
      taken.set(text, owner)
    })
    return text
  }

  /** Gives an address back, if this owner has it. */
  release(address: string, owner: string): void {
    this.#taken.deleteIf(address, owner)
  }

  /** Every address that is taken, with its owner. */
  entries(): (readonly [address: string, owner: string])[] {
    return this.#taken.entries().filter(([key]) => key !== CURSOR)
  }

  /** How many addresses can be allocated now. */
  free(): number {
    const parts = this.#parts?.() ?? [this.#range]
    const used = new Set([...this.#reserved, ...this.entries().map(([address]) => address)])
    const isInside = (address: string): boolean => parts.some((part) => containsIp(part, parseIp(address)!))
    return parts.reduce((sum, part) => sum + countOf(part), 0) - [...used].filter(isInside).length
  }

  /** Closes the file. The pool itself stays. */
  close(): void {
    this.#taken.close()
  }
}

function countOf(part: IpSubnet): number {
  const size = sizeOf(part)
  return Number(size < MOST ? size : MOST)
}

/** The address at a place in several ranges one after the other. */
function addressAt(parts: readonly IpSubnet[], offset: number): string {
  let rest = offset
  const part = parts.find((each) => {
    if (rest < countOf(each)) return true
    rest -= countOf(each)
    return false
  })!
  return formatIp({ family: part.family, value: part.base + BigInt(rest) })
}
