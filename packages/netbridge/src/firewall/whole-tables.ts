import { isNetbridgeError } from '../errors.js'
import { readAttributes, readString, type NetlinkMessage } from '../netlink/message-reader.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import * as nft from '../nft/constants.js'
import { protocolOf } from '../nft/elements.js'
import { addContent, type ElementSink, type TableContent } from '../nft/nft-table.js'
import { dumpElements, elementsOf } from '../nft/read-elements.js'
import { readRuleset } from '../nft/read-ruleset.js'
import { RULESET_SIZE } from '../nft/ruleset.js'
import { SENDER_RULES } from '../nft/senders.js'
import { bridgeSets, PORTS, PORTS6, PORTS6_AT, PORTS_AT, sets } from '../nft/sets.js'
import type { PortClaims } from '../state/port-claims.js'

const families = { inet: nft.NFPROTO_INET, bridge: nft.NFPROTO_BRIDGE } as const

/** Whether the tables of an instance have their chains, their rules, and all that is to be in their sets and maps. */
export function isWhole(socket: NetlinkSocket, table: string, content: TableContent): boolean {
  const { chains, rules } = readRuleset(socket)
  const count = (
    list: readonly { readonly table: string; readonly family: number }[],
    family: number,
  ): number => list.filter((each) => each.table === table && each.family === family).length
  if (count(chains, nft.NFPROTO_INET) < RULESET_SIZE.chains) return false
  if (count(rules, nft.NFPROTO_INET) < RULESET_SIZE.rules) return false
  if (content.senders.length > 0 && count(rules, nft.NFPROTO_BRIDGE) < SENDER_RULES) return false
  return [...wantedKeys(content)].every(([place, keys]) => {
    const found = keysIn(socket, table, place)
    return [...keys].every((key) => found.has(key))
  })
}

/** Keys by `FAMILY SET`, without the ends of intervals, which neighbours share. */
function wantedKeys(content: TableContent): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>()
  const sink = (family: 'inet' | 'bridge'): ElementSink => ({
    in: sink,
    addElements: (set, elements) => {
      const place = `${family} ${set}`
      const keys = wanted.get(place) ?? new Set()
      wanted.set(place, keys)
      for (const { key, intervalEnd } of elements)
        if (intervalEnd !== true) keys.add(Buffer.from(key).toString('hex'))
    },
  })
  addContent(sink('inet'), content)
  return wanted
}

function keysIn(socket: NetlinkSocket, table: string, place: string): Set<string> {
  const [family, name] = place.split(' ') as ['inet' | 'bridge', string]
  const set = (family === 'inet' ? sets : bridgeSets).find((each) => each.name === name)!
  try {
    const found = dumpElements(socket, families[family], table, set)
    return new Set(found.filter(({ isEnd }) => !isEnd).map(({ key }) => key.toString('hex')))
  } catch (error) {
    if (isNetbridgeError(error) && error.errnoCode === 'ENOENT') return new Set()
    throw error
  }
}

const portMaps = [PORTS, PORTS_AT, PORTS6, PORTS6_AT]

/**
 * Whether elements that another process has deleted may be missed: of published ports those that somebody claims. Other
 * processes of the instance delete theirs all the time.
 */
export function mayBeMissed(message: NetlinkMessage, table: string, claims: PortClaims): boolean {
  const attributes = readAttributes(message.body.subarray(4))
  if (readString(attributes.get(nft.NFTA_SET_ELEM_LIST_TABLE)) !== table) return false
  if (!portMaps.includes(readString(attributes.get(nft.NFTA_SET_ELEM_LIST_SET)) ?? '')) return true
  return elementsOf(message).some(({ key }) => {
    const protocol = protocolOf(key[key.length - 8] ?? 0)
    return protocol === undefined || claims.has({ protocol, host: key.readUInt16BE(key.length - 4) })
  })
}
