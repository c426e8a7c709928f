import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { NetbridgeError } from '../errors.js'
import { Claims } from '../state/claims.js'
import { makeFolder, stateError } from '../state/files.js'
import { contains, formatIpv4, formatSubnet, lastAddress, type Subnet } from './ipv4.js'

/** How many taken addresses in a row are tried one by one before the folder is listed. */
const TRIES = 8

/**
 * Addresses of a subnet, each handed out once. Kept in files, so that any number of processes share one
 * pool and a crash loses none. The search goes on where the last one ended, in whatever process that was:
 * an address that was given back is not given out again at once, when neighbours still remember its old owner.
 */
export class AddressPool {
  readonly #subnet: Subnet
  readonly #gateway: number
  readonly #claims: Claims
  readonly #cursorPath: string
  readonly #cursorBytes = Buffer.alloc(4)
  #cursorFd: number | undefined

  /**
   * @param folder - Where the pool keeps its files; made if it is not there.
   * @param gateway - Address of the subnet that is never handed out, beside the first and the last.
   */
  constructor(folder: string, subnet: Subnet, gateway: number) {
    this.#subnet = subnet
    this.#gateway = gateway
    makeFolder(join(folder, 'addresses'))
    this.#claims = new Claims(join(folder, 'addresses'))
    this.#cursorPath = join(folder, 'cursor')
  }

  /**
   * Takes the next free address.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_POOL_EXHAUSTED`.
   */
  allocate(owner: string): number {
    const first = this.#subnet.base + 1
    const count = lastAddress(this.#subnet) - first
    const start = this.#readCursor(count)
    let taken: ReadonlySet<string> | undefined
    for (let step = 0; step < count; step++) {
      const offset = (start + step) % count
      const address = first + offset
      if (step === TRIES) taken = new Set(this.#claims.names())
      if (address === this.#gateway || taken?.has(formatIpv4(address)) === true) continue
      if (!this.#claims.claim(formatIpv4(address), owner)) continue
      this.#writeCursor(offset + 1)
      return address
    }
    throw new NetbridgeError(
      'ERR_NETBRIDGE_POOL_EXHAUSTED',
      `cannot allocate an address of ${formatSubnet(this.#subnet)}: all are taken`,
    )
  }

  /**
   * Takes a certain address.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: not an address for containers of this subnet.
   *   `ERR_NETBRIDGE_ADDRESS_TAKEN`: somebody has it.
   */
  claim(address: number, owner: string): number {
    const text = formatIpv4(address)
    const reserved = [this.#subnet.base, lastAddress(this.#subnet), this.#gateway].includes(address)
    if (reserved || !contains(this.#subnet, address)) {
      const subnet = formatSubnet(this.#subnet)
      throw new NetbridgeError(
        'ERR_NETBRIDGE_INVALID_ARG',
        `cannot use ${text}: ${reserved ? 'it is reserved in' : 'it is not in'} ${subnet}`,
      )
    }
    if (!this.#claims.claim(text, owner)) {
      const other = this.#claims.owner(text) ?? 'somebody'
      throw new NetbridgeError('ERR_NETBRIDGE_ADDRESS_TAKEN', `cannot use ${text}: ${other} has it`)
    }
    return address
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
      return length === 4 ? this.#cursorBytes.readUInt32LE(0) % count : 0
    } catch (error) {
      throw stateError(`read ${this.#cursorPath}`, error)
    }
  }

  #writeCursor(offset: number): void {
    this.#cursorBytes.writeUInt32LE(offset, 0)
    writeSync(this.#cursorFd!, this.#cursorBytes, 0, 4, 0)
  }
}
