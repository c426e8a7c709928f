import { join } from 'node:path'
import {
  containsIp,
  formatIpSubnet,
  lastIp,
  parseIpSubnet,
  sizeOf,
  type Family,
  type Ip,
  type IpSubnet,
} from '../address/ip.js'
import type { AddressPlan } from '../address/plan.js'
import { NetbridgeError } from '../errors.js'
import { makeFolder } from '../state/files.js'
import { SharedTable } from '../state/shared-table.js'
import { keysOf } from './definition.js'
import type { OverlayStore } from './store.js'

/** Where blocks of addresses are claimed, and by whom. */
export interface BlockClaims {
  readonly store: OverlayStore
  /** Name of the network. */
  readonly network: string
  /** Name of this host. */
  readonly host: string
}

/**
 * The parts of an overlay network's addresses that are this host's: each block of the store belongs to one host, which
 * hands out what is in it without asking. Known to all processes of the host.
 */
export class OwnBlocks implements Disposable {
  readonly #table: SharedTable

  /** @param folder - Made if it is not there. */
  constructor(folder: string) {
    makeFolder(folder)
    this.#table = new SharedTable(join(folder, 'blocks'))
  }

  /** Those of a family. */
  of(family: Family): IpSubnet[] {
    return this.#table
      .entries()
      .flatMap(([text]) => parseIpSubnet(text) ?? [])
      .filter((block) => block.family === family)
  }

  add(block: IpSubnet): void {
    const text = formatIpSubnet(block)
    if (this.#table.get(text) === undefined) this.#table.change((table) => table.set(text, '1'))
  }

  remove(block: IpSubnet): void {
    this.#table.change((table) => table.delete(formatIpSubnet(block)))
  }

  close(): void {
    this.#table.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Brings this host's blocks in line with the store: those that somebody has released meanwhile are claimed again, and
 * those that other hosts have claimed since are not handed out from any more.
 *
 * @returns The blocks of other hosts.
 */
export async function reconcileBlocks(
  own: OwnBlocks,
  { store, network, host }: BlockClaims,
  entries: ReadonlyMap<string, string>,
): Promise<readonly { readonly block: IpSubnet; readonly host: string }[]> {
  const claimed = blocksIn(network, entries)
  const others = claimed.filter((each) => each.host !== host)
  for (const each of claimed) if (each.host === host) own.add(each.block)
  for (const block of [...own.of(4), ...own.of(6)]) {
    const key = keysOf(network).blocks + formatIpSubnet(block)
    const owner = entries.get(key) ?? (await store.create(key, host))
    if (owner === host) continue
    own.remove(block)
    if (!entries.has(key)) others.push({ block, host: owner })
  }
  return others
}

/** How large the blocks of a range are: at most 256 of them, and about as many as addresses in each. */
export function blockLength({ family, prefixLength }: IpSubnet): number {
  const bits = (family === 4 ? 32 : 128) - prefixLength
  return prefixLength + Math.min(8, Math.floor(bits / 2))
}

/** The block that an address is in. */
export function blockOf({ range }: AddressPlan, { family, value }: Ip): IpSubnet {
  const prefixLength = blockLength(range)
  return { family, base: value - (value % sizeOf({ family, prefixLength })), prefixLength }
}

/** The blocks of hosts, as they are in the store. */
export function blocksIn(
  network: string,
  entries: ReadonlyMap<string, string>,
): { readonly block: IpSubnet; readonly host: string }[] {
  const { blocks } = keysOf(network)
  return [...entries]
    .filter(([key]) => key.startsWith(blocks))
    .flatMap(([key, host]) => {
      const block = parseIpSubnet(key.slice(blocks.length))
      return block === undefined ? [] : [{ block, host }]
    })
}

/**
 * Claims a block that nobody has.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_POOL_EXHAUSTED`: other hosts have all; `ERR_NETBRIDGE_STORE`.
 */
export async function claimFreeBlock(
  { store, network, host }: BlockClaims,
  { range }: AddressPlan,
): Promise<IpSubnet> {
  const { blocks } = keysOf(network)
  const taken = blocksIn(network, (await store.list(blocks)).entries).map(({ block }) => block)
  const { family } = range
  const prefixLength = blockLength(range)
  const size = sizeOf({ family, prefixLength })
  for (let base = range.base; base <= lastIp(range); base += size) {
    const block = { family, base, prefixLength }
    if (taken.some((other) => containsIp(other, { family, value: base }))) continue
    if ((await store.create(blocks + formatIpSubnet(block), host)) === host) return block
  }
  throw new NetbridgeError(
    'ERR_NETBRIDGE_POOL_EXHAUSTED',
    `cannot claim a block of ${formatIpSubnet(range)} for this host: other hosts have all`,
  )
}

/**
 * Claims the block that a certain address is in.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_ADDRESS_TAKEN`: it is another host's; `ERR_NETBRIDGE_STORE`.
 */
export async function claimBlock({ store, network, host }: BlockClaims, block: IpSubnet): Promise<void> {
  const text = formatIpSubnet(block)
  const owner = await store.create(keysOf(network).blocks + text, host)
  if (owner === host) return
  throw new NetbridgeError(
    'ERR_NETBRIDGE_ADDRESS_TAKEN',
    `cannot use an address of ${text} here: the block is host ${owner}'s; name one of this host's, or none`,
  )
}
