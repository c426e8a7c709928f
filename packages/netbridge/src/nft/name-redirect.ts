import { ipv4Bytes } from '../address/ipv4.js'
import * as nft from './constants.js'
import { compare, destinationNat, load, meta, payload } from './expression.js'
import type { NftTransaction } from './transaction.js'

const protocols = [17, 6] // UDP, TCP
const names = bigEndian(53)

/**
 * A table for inside a container: what its programs send to port 53 of `address` comes to `port` of it (`EEXIST` on
 * commit when it is there).
 */
export function addNameRedirect(transaction: NftTransaction, address: number, port: number): NftTransaction {
  const hook = { type: 'nat', number: nft.NF_INET_LOCAL_OUT, priority: -100 } as const
  transaction.createTable({ exclusive: true }).addChain({ name: 'output', hook })
  for (const protocol of protocols) {
    transaction.addRule('output', [
      meta(nft.NFT_META_NFPROTO),
      compare(nft.NFT_CMP_EQ, Uint8Array.of(nft.NFPROTO_IPV4)),
      payload(nft.NFT_PAYLOAD_NETWORK_HEADER, 16, 4),
      compare(nft.NFT_CMP_EQ, ipv4Bytes(address)),
      meta(nft.NFT_META_L4PROTO),
      compare(nft.NFT_CMP_EQ, Uint8Array.of(protocol)),
      payload(nft.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
      compare(nft.NFT_CMP_EQ, names),
      load(ipv4Bytes(address), 1),
      load(bigEndian(port), 9),
      destinationNat(nft.NFPROTO_IPV4),
    ])
  }
  return transaction
}

function bigEndian(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff)
}
