import type { MessageWriter } from '../netlink/message-writer.js'
import * as nft from './constants.js'

/**
 * One instruction of a rule. Registers are numbered as the kernel does: 1-4 hold 16 bytes each, 8-23 are the
 * same space in pieces of 4 bytes, so that 8 is the beginning of 1.
 */
export interface Expression {
  readonly name: string
  readonly write: (writer: MessageWriter) => void
}

/** Loads a property of the packet (`iifname`, `l4proto`, ...) into a register. */
export function meta(key: number, register = 1): Expression {
  return {
    name: 'meta',
    write: (writer) => {
      writer.attributeU32BE(2, key)
      writer.attributeU32BE(1, register)
    },
  }
}

/** Loads bytes of a header into a register. */
export function payload(base: number, offset: number, length: number, register = 1): Expression {
  return {
    name: 'payload',
    write: (writer) => {
      writer.attributeU32BE(1, register)
      writer.attributeU32BE(2, base)
      writer.attributeU32BE(3, offset)
      writer.attributeU32BE(4, length)
    },
  }
}

/** Ends the rule unless register 1 compares with the value as `NFT_CMP_*` says. */
export function compare(operation: number, value: Uint8Array): Expression {
  return {
    name: 'cmp',
    write: (writer) => {
      writer.attributeU32BE(1, 1)
      writer.attributeU32BE(2, operation)
      writer.nested(3, () => writer.attribute(nft.NFTA_DATA_VALUE, value))
    },
  }
}

/** Ends the rule unless register 1 onwards is in the set, or unless it is not. */
export function inSet(set: string, { inverted = false } = {}): Expression {
  return {
    name: 'lookup',
    write: (writer) => {
      writer.attributeU32BE(2, 1)
      writer.attributeString(1, set)
      if (inverted) writer.attributeU32BE(5, nft.NFT_LOOKUP_F_INV)
    },
  }
}

/** Looks register 1 onwards up in a map and puts its value there; ends the rule when there is none. */
export function lookup(map: string): Expression {
  return {
    name: 'lookup',
    write: (writer) => {
      writer.attributeU32BE(2, 1)
      writer.attributeU32BE(3, 1)
      writer.attributeString(1, map)
    },
  }
}

/** Loads what connection tracking knows into register 1. */
export function conntrack(key: number): Expression {
  return {
    name: 'ct',
    write: (writer) => {
      writer.attributeU32BE(2, key)
      writer.attributeU32BE(1, 1)
    },
  }
}

/** Keeps only the bits of `mask` in register 1, a number in host byte order. */
export function maskBits(mask: number): Expression {
  return {
    name: 'bitwise',
    write: (writer) => {
      writer.attributeU32BE(1, 1)
      writer.attributeU32BE(2, 1)
      writer.attributeU32BE(3, 4)
      writer.nested(4, () => writer.attributeU32(nft.NFTA_DATA_VALUE, mask))
      writer.nested(5, () => writer.attributeU32(nft.NFTA_DATA_VALUE, 0))
    },
  }
}

/** Loads the kind of the destination address, `RTN_*`, into register 1, in host byte order. */
export function destinationType(): Expression {
  return {
    name: 'fib',
    write: (writer) => {
      writer.attributeU32BE(3, nft.NFTA_FIB_F_DADDR)
      writer.attributeU32BE(2, nft.NFT_FIB_RESULT_ADDRTYPE)
      writer.attributeU32BE(1, 1)
    },
  }
}

/** Loads a value into a register. */
export function load(value: Uint8Array, register: number): Expression {
  return {
    name: 'immediate',
    write: (writer) => {
      writer.attributeU32BE(1, register)
      writer.nested(2, () => writer.attribute(nft.NFTA_DATA_VALUE, value))
    },
  }
}

/** Changes the destination to the address in register 1 and the port in the four bytes after it. */
export function destinationNat(family: typeof nft.NFPROTO_IPV4 | typeof nft.NFPROTO_IPV6): Expression {
  return {
    name: 'nat',
    write: (writer) => {
      writer.attributeU32BE(1, nft.NFT_NAT_DNAT)
      writer.attributeU32BE(2, family)
      writer.attributeU32BE(3, 1)
      writer.attributeU32BE(5, family === nft.NFPROTO_IPV4 ? 9 : 2)
    },
  }
}

/** Changes the source to the address of the outgoing interface. */
export function masquerade(): Expression {
  return { name: 'masq', write: () => undefined }
}

/** Decides: `NF_ACCEPT`, `NF_DROP`, or `NFT_JUMP` to a chain. */
export function verdict(code: number, chain?: string): Expression {
  return {
    name: 'immediate',
    write: (writer) => {
      writer.attributeU32BE(1, 0)
      writer.nested(2, () => {
        writer.nested(nft.NFTA_DATA_VERDICT, () => {
          writer.attributeU32BE(nft.NFTA_VERDICT_CODE, code)
          if (chain !== undefined) writer.attributeString(nft.NFTA_VERDICT_CHAIN, chain)
        })
      })
    },
  }
}
