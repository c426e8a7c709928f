import { formatIp, formatIpSubnet, ipOf, type Ip } from '../address/ip.js'
import { attributeList, readAttributes, readString, type NetlinkMessage } from '../netlink/message-reader.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import * as nft from './constants.js'
import { dump } from './read-ruleset.js'
import { keyParts } from './sets.js'
import type { NftSet } from './transaction.js'

const NOTHING = Buffer.alloc(0)

/** An element as the kernel has it. */
export interface ReadElement {
  readonly key: Buffer
  readonly data: Buffer | undefined
  readonly isEnd: boolean
}

/** `nft list set`: the elements of one of our sets or maps, as nft(8) writes them, in order. */
export function readElements(socket: NetlinkSocket, family: number, table: string, set: NftSet): string[] {
  const elements = dumpElements(socket, family, table, set).sort((a, b) => Buffer.compare(a.key, b.key))
  if ((set.flags & nft.NFT_SET_INTERVAL) !== 0) return intervals(elements)
  return elements.map(({ key, data }) => {
    const left = formatParts(key, set.keyType)
    return data === undefined || set.dataType === undefined
      ? left
      : `${left} : ${formatParts(data, set.dataType)}`
  })
}

/** The same as the kernel has them. */
export function dumpElements(
  socket: NetlinkSocket,
  family: number,
  table: string,
  set: NftSet,
): ReadElement[] {
  const messages = dump(socket, nft.NFT_MSG_GETSETELEM, `list the elements of ${set.name}`, {
    family,
    body: (writer) => {
      writer.attributeString(nft.NFTA_SET_ELEM_LIST_TABLE, table)
      writer.attributeString(nft.NFTA_SET_ELEM_LIST_SET, set.name)
    },
  })
  return messages.flatMap(elementsOf)
}

/** The elements that a message is about. */
export function elementsOf({ body }: NetlinkMessage): ReadElement[] {
  const list = readAttributes(body.subarray(4)).get(nft.NFTA_SET_ELEM_LIST_ELEMENTS) ?? NOTHING
  return attributeList(list).map(([, bytes]) => {
    const element = readAttributes(bytes)
    const value = (type: number): Buffer | undefined =>
      readAttributes(element.get(type) ?? NOTHING).get(nft.NFTA_DATA_VALUE)
    const flags = element.get(nft.NFTA_SET_ELEM_FLAGS)?.readUInt32BE() ?? 0
    return {
      key: value(nft.NFTA_SET_ELEM_KEY) ?? NOTHING,
      data: value(nft.NFTA_SET_ELEM_DATA),
      isEnd: (flags & nft.NFT_SET_ELEM_INTERVAL_END) !== 0,
    }
  })
}

/** Intervals of addresses: each is a first address, and an end that is the first behind it. */
function intervals(elements: readonly ReadElement[]): string[] {
  return elements.flatMap(({ key, isEnd }, index) => {
    const end = elements[index + 1]
    if (isEnd || end === undefined) return []
    const first = ipOf(key)
    return [formatInterval(first, ipOf(end.key).value - first.value)]
  })
}

function formatInterval({ family, value }: Ip, size: bigint): string {
  const prefixLength = (family === 4 ? 32 : 128) - (size.toString(2).length - 1)
  return formatIpSubnet({ family, base: value, prefixLength })
}

function formatParts(bytes: Buffer, type: number): string {
  let at = 0
  return keyParts(type)
    .map(({ kind, size }) => {
      const part = bytes.subarray(at, at + size)
      at += size
      return formatPart(part, kind)
    })
    .join(' . ')
}

const protocols: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' }

function formatPart(bytes: Buffer, kind: ReturnType<typeof keyParts>[number]['kind']): string {
  switch (kind) {
    case 'address':
      return formatIp(ipOf(bytes))
    case 'mac':
      return [...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
    case 'protocol':
      return protocols[bytes[0]!] ?? String(bytes[0])
    case 'port':
      return String(bytes.readUInt16BE())
    case 'interface':
      return `"${readString(bytes) ?? ''}"`
  }
}
