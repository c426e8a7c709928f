import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from '../netlink/constants.js'
import type { NetlinkMessage } from '../netlink/message-reader.js'
import { MessageWriter } from '../netlink/message-writer.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import * as nft from './constants.js'
import type { Expression } from './expression.js'

/** Family of a table: of IPv4 and IPv6 packets or one of them, or of frames on a bridge. */
export type TableFamily = 'inet' | 'ip' | 'ip6' | 'bridge'
const families = {
  inet: nft.NFPROTO_INET,
  ip: nft.NFPROTO_IPV4,
  ip6: nft.NFPROTO_IPV6,
  bridge: nft.NFPROTO_BRIDGE,
} as const

/** A chain and where it hooks in; without a hook it is only jumped to. */
export interface Chain {
  readonly name: string
  readonly hook?: { readonly type: 'filter' | 'nat'; readonly number: number; readonly priority: number }
}

/** A set or a map. Types are the numbers by which nft(8) prints keys and values. */
export interface NftSet {
  readonly name: string
  readonly flags: number
  readonly keyType: number
  readonly keyLength: number
  readonly dataType?: number
  readonly dataLength?: number
  /** How nft(8) prints the key: 0 a concatenation, 1 in host and 2 in network byte order. */
  readonly keyByteOrder: 0 | 1 | 2
}

/** An element of a set or a map. */
export interface Element {
  readonly key: Uint8Array
  /** Value of a map's element. Not needed to delete one. */
  readonly data?: Uint8Array
  /** The key is the first one behind an interval. */
  readonly intervalEnd?: boolean
}

/** Where a rule goes, and what is written beside it. */
export interface RulePlace {
  /** Before all others of its chain. Default: behind them. */
  readonly first?: boolean
  /** What nft(8) prints as its comment: at most 128 bytes. */
  readonly comment?: string
}

/** An attribute holds at most 65,535 bytes; an element of ours takes up to 60. */
const ELEMENTS_A_MESSAGE = 500

/**
 * Changes of the nf_tables tables of one name that the kernel makes all together or not at all:
 * messages between `NFNL_MSG_BATCH_BEGIN` and `_END`.
 */
export class NftTransaction {
  readonly #table: string
  readonly #writer = new MessageWriter()
  readonly #actions: string[] = []
  #family: TableFamily = 'inet'

  constructor(table: string) {
    this.#table = table
    this.#boundary(nft.NFNL_MSG_BATCH_BEGIN, 'begin a transaction')
  }

  /** What follows is about the table of this family. A transaction begins with `inet`. */
  in(family: TableFamily): this {
    this.#family = family
    return this
  }

  /** `nft add table FAMILY NAME`: one that is there stays, or is `EEXIST` when it shall be the first. */
  createTable({ exclusive = false } = {}): this {
    const flags = exclusive ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE
    return this.#message(nft.NFT_MSG_NEWTABLE, flags, `create table ${this.#table}`, (writer) => {
      writer.attributeString(nft.NFTA_TABLE_NAME, this.#table)
      writer.attributeU32BE(nft.NFTA_TABLE_FLAGS, 0)
    })
  }

  /** `nft delete table FAMILY NAME`, with all that is in it. */
  deleteTable(): this {
    return this.#message(nft.NFT_MSG_DELTABLE, 0, `delete table ${this.#table}`, (writer) => {
      writer.attributeString(nft.NFTA_TABLE_NAME, this.#table)
    })
  }

  /** `nft add chain`, with policy accept. */
  addChain({ name, hook }: Chain): this {
    return this.#message(nft.NFT_MSG_NEWCHAIN, NLM_F_CREATE, `create chain ${name}`, (writer) => {
      writer.attributeString(nft.NFTA_CHAIN_TABLE, this.#table)
      writer.attributeString(nft.NFTA_CHAIN_NAME, name)
      if (hook === undefined) return
      writer.attributeString(nft.NFTA_CHAIN_TYPE, hook.type)
      writer.attributeU32BE(nft.NFTA_CHAIN_POLICY, nft.NF_ACCEPT)
      writer.nested(nft.NFTA_CHAIN_HOOK, () => {
        writer.attributeU32BE(nft.NFTA_HOOK_HOOKNUM, hook.number)
        writer.attributeU32BE(nft.NFTA_HOOK_PRIORITY, hook.priority)
      })
    })
  }

  /** `nft add set` or `nft add map`. */
  addSet(set: NftSet): this {
    return this.#message(nft.NFT_MSG_NEWSET, NLM_F_CREATE, `create set ${set.name}`, (writer, sequence) => {
      writer.attributeString(nft.NFTA_SET_TABLE, this.#table)
      writer.attributeString(nft.NFTA_SET_NAME, set.name)
      writer.attributeU32BE(nft.NFTA_SET_FLAGS, set.flags)
      writer.attributeU32BE(nft.NFTA_SET_KEY_TYPE, set.keyType)
      writer.attributeU32BE(nft.NFTA_SET_KEY_LEN, set.keyLength)
      if (set.dataType !== undefined) writer.attributeU32BE(nft.NFTA_SET_DATA_TYPE, set.dataType)
      if (set.dataLength !== undefined) writer.attributeU32BE(nft.NFTA_SET_DATA_LEN, set.dataLength)
      writer.attributeU32BE(nft.NFTA_SET_ID, sequence)
      writer.attribute(nft.NFTA_SET_USERDATA, Uint8Array.of(0, 4, set.keyByteOrder, 0, 0, 0))
    })
  }

  /** `nft add rule`, or `nft insert rule` of one that shall be the first. */
  addRule(
    chain: string,
    expressions: readonly Expression[],
    { first = false, comment }: RulePlace = {},
  ): this {
    const flags = first ? NLM_F_CREATE : NLM_F_CREATE | NLM_F_APPEND
    return this.#message(nft.NFT_MSG_NEWRULE, flags, `add a rule to ${chain}`, (writer) => {
      writer.attributeString(nft.NFTA_RULE_TABLE, this.#table)
      writer.attributeString(nft.NFTA_RULE_CHAIN, chain)
      writer.nested(nft.NFTA_RULE_EXPRESSIONS, () => {
        for (const { name, write } of expressions) {
          writer.nested(nft.NFTA_LIST_ELEM, () => {
            writer.attributeString(nft.NFTA_EXPR_NAME, name)
            writer.nested(nft.NFTA_EXPR_DATA, () => {
              write(writer)
            })
          })
        }
      })
      if (comment === undefined) return
      const text = Buffer.from(`${comment}\0`)
      const header = Buffer.of(nft.NFTNL_UDATA_RULE_COMMENT, text.length)
      writer.attribute(nft.NFTA_RULE_USERDATA, Buffer.concat([header, text]))
    })
  }

  /** `nft delete rule`: `ENOENT` when it is not there. */
  deleteRule(chain: string, handle: bigint): this {
    return this.#message(nft.NFT_MSG_DELRULE, 0, `delete a rule of ${chain}`, (writer) => {
      writer.attributeString(nft.NFTA_RULE_TABLE, this.#table)
      writer.attributeString(nft.NFTA_RULE_CHAIN, chain)
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64BE(handle)
      writer.attribute(nft.NFTA_RULE_HANDLE, bytes)
    })
  }

  /** `nft add element`: an element that is there stays; a key with another value is `EBUSY` or `EEXIST`. */
  addElements(set: string, elements: readonly Element[]): this {
    return this.#elements(nft.NFT_MSG_NEWSETELEM, NLM_F_CREATE, `add to ${set}`, set, elements)
  }

  /** `nft delete element`: `ENOENT` when one of the keys is not there. */
  deleteElements(set: string, elements: readonly Element[]): this {
    return this.#elements(nft.NFT_MSG_DELSETELEM, 0, `delete from ${set}`, set, elements)
  }

  /** The messages as they are sent. */
  bytes(): Uint8Array {
    this.#boundary(nft.NFNL_MSG_BATCH_END, 'commit a transaction')
    return this.#writer.bytes
  }

  /**
   * Sends everything in one `sendto`. A transaction is committed once.
   *
   * @throws {@link NetbridgeError} for the first change that the kernel refused; nothing is changed then.
   */
  commit(socket: NetlinkSocket): NetlinkMessage[] {
    return socket.exchange(this.bytes(), (sequence) => this.#actions[sequence] ?? 'change nf_tables')
  }

  #elements(type: number, flags: number, action: string, set: string, elements: readonly Element[]): this {
    for (let from = 0; from < elements.length; from += ELEMENTS_A_MESSAGE) {
      this.#message(type, flags, action, (writer) => {
        writer.attributeString(nft.NFTA_SET_ELEM_LIST_TABLE, this.#table)
        writer.attributeString(nft.NFTA_SET_ELEM_LIST_SET, set)
        writer.nested(nft.NFTA_SET_ELEM_LIST_ELEMENTS, () => {
          for (const element of elements.slice(from, from + ELEMENTS_A_MESSAGE)) {
            writer.nested(nft.NFTA_LIST_ELEM, () => writeElement(writer, element))
          }
        })
      })
    }
    return this
  }

  #message(
    type: number,
    flags: number,
    action: string,
    body: (writer: MessageWriter, sequence: number) => void,
  ): this {
    const sequence = this.#actions.push(action) - 1
    const kind = (nft.NFNL_SUBSYS_NFTABLES << 8) | type
    this.#writer.message(kind, NLM_F_REQUEST | flags, sequence, () => {
      writeHeader(this.#writer, families[this.#family], 0)
      body(this.#writer, sequence)
    })
    return this
  }

  #boundary(type: number, action: string): void {
    const sequence = this.#actions.push(action) - 1
    this.#writer.message(type, NLM_F_REQUEST, sequence, () => {
      writeHeader(this.#writer, nft.NFPROTO_UNSPEC, nft.NFNL_SUBSYS_NFTABLES)
    })
  }
}

/** `struct nfgenmsg`. */
function writeHeader(writer: MessageWriter, family: number, resource: number): void {
  writer.u8(family)
  writer.u8(0) // NFNETLINK_V0
  writer.u16BE(resource)
}

function writeElement(writer: MessageWriter, { key, data, intervalEnd = false }: Element): void {
  if (intervalEnd) writer.attributeU32BE(nft.NFTA_SET_ELEM_FLAGS, nft.NFT_SET_ELEM_INTERVAL_END)
  writer.nested(nft.NFTA_SET_ELEM_KEY, () => writer.attribute(nft.NFTA_DATA_VALUE, key))
  if (data !== undefined) {
    writer.nested(nft.NFTA_SET_ELEM_DATA, () => writer.attribute(nft.NFTA_DATA_VALUE, data))
  }
}
