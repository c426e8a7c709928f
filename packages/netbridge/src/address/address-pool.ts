import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { NetbridgeError } from '../errors.js'
import { Claims } from '../state/claims.js'
import { makeFolder, stateError } from '../state/files.js'
import { containsIp, formatIp, formatIpSubnet, lastIp, parseIp, type IpSubnet } from './ip.js'

/** How many taken addresses in a row are tried one by one before the folder is listed. */
const TRIES = 8
/** Addresses of one pool that are handed out by themselves, of a subnet however large. */
const MOST = 2n ** 31n

/** Which addresses a pool hands out. */
export interface PoolRange {
  readonly subnet: IpSubnet
  /** Part of the subnet that addresses are chosen from. Default all of it. */
  readonly range?: IpSubnet | undefined
  /** Addresses that nobody gets: the gateway, and those that belong to others. */
  readonly reserved: readonly string[]
}

/**
 * Addresses of a subnet, each handed out once. Kept in files, so that any number of processes share one
 * pool and a crash loses none. The search goes on where the last one ended, in whatever process that was:
 * an address that was given back is not given out again at once, when neighbours still remember its old owner.
 */
export class AddressPool {
  readonly #subnet: IpSubnet
  readonly #range: IpSubnet
  readonly #reserved: ReadonlySet<string>
  readonly #claims: Claims
  readonly #cursorPath: string
  readonly #cursorBytes = Buffer.alloc(4)
  #cursorFd: number | undefined

  /** @param folder - Where the pool keeps its files; made if it is not there. IPv4 and IPv6 may share it. */
  constructor(folder: string, { subnet, range = subnet, reserved }: PoolRange) {
    this.#subnet = subnet
    this.#range = range
    const ends = subnet.family === 4 ? [subnet.base, lastIp(subnet)] : [subnet.base]
    this.#reserved = new Set([
      ...ends.map((value) => formatIp({ family: subnet.family, value })),
      ...reserved,
    ])
    const names = subnet.family === 4 ? ['addresses', 'cursor'] : ['addresses6', 'cursor6']
    makeFolder(join(folder, names[0]!))
    this.#claims = new Claims(join(folder, names[0]!))
    this.#cursorPath = join(folder, names[1]!)
  }

  /**
   * Takes the next free address.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_POOL_EXHAUSTED`.
   */
  allocate(owner: string): string {
    const { family, base } = this.#range
    const size = lastIp(this.#range) - base + 1n
    const count = Number(size < MOST ? size : MOST)
    const start = this.#readCursor(count)
    let taken: ReadonlySet<string> | undefined
    for (let step = 0; step < count; step++) {
      const offset = (start + step) % count
      const address = formatIp({ family, value: base + BigInt(offset) })
      if (step === TRIES) taken = new Set(this.#claims.names())
      if (this.#reserved.has(address) || taken?.has(address) === true) continue
      if (!this.#claims.claim(address, owner)) continue
      this.#writeCursor(offset + 1)
      return address
    }
    throw new NetbridgeError(
      'ERR_NETBRIDGE_POOL_EXHAUSTED',
      `cannot allocate an address of ${formatIpSubnet(this.#range)}: all are taken`,
    )
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
    if (!this.#claims.claim(text, owner)) {
      const other = this.#claims.owner(text) ?? 'somebody'
      throw new NetbridgeError('ERR_NETBRIDGE_ADDRESS_TAKEN', `cannot use ${text}: ${other} has it`)
    }
    return text
  }

  /** Gives an address back, if this owner has it. */
  release(address: string, owner: string): void {
    this.#claims.release(address, owner)
  }

  /** Every address that is taken, with its owner. */
  *entries(): Generator<readonly [address: string, owner: string]> {
    for (const address of this.#claims.names()) {
      const owner = this.#claims.owner(address)
      if (owner !== undefined) yield [address, owner]
    }
  }

  /** Closes the file of the search position. The pool itself stays. */
  close(): void {
    if (this.#cursorFd !== undefined) closeSync(this.#cursorFd)
    this.#cursorFd = undefined
  }

  // The position is a hint: a lost update costs a few more tries and nothing else.
  #readCursor(count: number): number {
    try {
      this.#cursorFd ??= openSync(this.#cursorPath, constants.O_RDWR | constants.O_CREAT, 0o600)
      const length = readSync(this.#cursorFd, this.#cursorBytes, 0, 4, 0)
      return length === 4 ? this.#cursorBytes.readUInt32LE(0) % count : 1
    } catch (error) {
      throw stateError(`read ${this.#cursorPath}`, error)
    }
  }

  #writeCursor(offset: number): void {
    this.#cursorBytes.writeUInt32LE(offset, 0)
    writeSync(this.#cursorFd!, this.#cursorBytes, 0, 4, 0)
  }
}
