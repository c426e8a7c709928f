import { containsIp, parseIp } from '../address/ip.js'
import type { AddressPool } from '../address/address-pool.js'
import type { AddressPlan } from '../address/plan.js'
import { isNetbridgeError } from '../errors.js'
import type { OpenNetwork } from '../network-context.js'
import { blockOf, claimBlock, claimFreeBlock, type BlockClaims } from './blocks.js'
import type { OverlayPart } from './part.js'

/** How many addresses a host keeps at hand, so that attaching does not wait for the store. */
const SPARE = 4

/** Addresses that somebody is going to ask for; those that are not named are any. */
export interface WantedAddresses {
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
}

type Source = Pick<OpenNetwork, 'record' | 'pool' | 'pool6'> & { readonly overlay: OverlayPart }

/**
 * Sees to it that this host has an address of each family to hand out, or the blocks of certain ones.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_STORE`, `ERR_NETBRIDGE_POOL_EXHAUSTED`, `ERR_NETBRIDGE_ADDRESS_TAKEN`.
 */
export async function provideAddresses(source: Source, { ip, ip6 }: WantedAddresses): Promise<void> {
  const { record, pool, pool6 } = source
  await provide(source, record.ipv4, pool, ip)
  if (record.ipv6 !== undefined && pool6 !== undefined) await provide(source, record.ipv6, pool6, ip6)
}

/** The same before they run out, as far as other hosts leave some. */
export async function keepSpare(source: Source): Promise<void> {
  const { record, pool, pool6 } = source
  for (const [plan, from] of [[record.ipv4, pool] as const, [record.ipv6, pool6] as const]) {
    if (plan === undefined || from === undefined || from.free() >= SPARE) continue
    try {
      source.overlay.blocks.add(await claimFreeBlock(claimsOf(source), plan))
    } catch (error) {
      if (!isNetbridgeError(error) || error.code !== 'ERR_NETBRIDGE_POOL_EXHAUSTED') throw error
    }
  }
}

async function provide(
  source: Source,
  plan: AddressPlan,
  pool: AddressPool,
  text: string | undefined,
): Promise<void> {
  const { blocks } = source.overlay
  const wanted = text === undefined ? undefined : parseIp(text)
  if (wanted === undefined) {
    while (pool.free() === 0) blocks.add(await claimFreeBlock(claimsOf(source), plan))
    return
  }
  // what is not of the subnet is refused by the pool, in its own words
  if (!containsIp(plan.subnet, wanted) || blocks.of(wanted.family).some((each) => containsIp(each, wanted)))
    return
  const block = blockOf(plan, wanted)
  await claimBlock(claimsOf(source), block)
  blocks.add(block)
}

function claimsOf({ overlay: { store, info }, record }: Source): BlockClaims {
  return { store, network: record.name, host: info.host }
}
