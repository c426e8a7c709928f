import type { RateLimit } from '../bandwidth.js'
import * as nl from './constants.js'
import { linkHeader } from './link-messages.js'
import type { MessageWriter } from './message-writer.js'
import type { RouteRequest } from './route-request.js'

/** How long a packet may wait for its turn before it is dropped, in seconds. */
const LATENCY_S = 0.025
/** Of the root of what a link sends. */
const ROOT_HANDLE = 0x1_0000
/** Of what it receives: `ffff:`, the only one it can have. */
const INGRESS_HANDLE = 0xffff_0000
const ETH_P_ALL = 0x0300 // in network order
const PRIORITY = 1

/** `struct tcmsg`. */
function header(
  writer: MessageWriter,
  index: number,
  { handle = 0, parent, info = 0 }: { handle?: number; parent: number; info?: number },
): void {
  writer.u32(0) // tcm_family, padding
  writer.u32(index)
  writer.u32(handle)
  writer.u32(parent)
  writer.u32(info)
}

/**
 * `tc qdisc replace dev NAME root handle 1: tbf rate RATE burst BURST latency 25ms`: a link sends no faster. A limit
 * that is there already is changed, and nothing that waits is lost.
 */
export function limitRate(index: number, name: string, { rate, burst }: RateLimit): RouteRequest {
  return {
    type: nl.RTM_NEWQDISC,
    flags: nl.NLM_F_CREATE | nl.NLM_F_REPLACE,
    action: `limit what ${name} sends`,
    body: (writer) => {
      header(writer, index, { handle: ROOT_HANDLE, parent: nl.TC_H_ROOT })
      writer.attributeString(nl.TCA_KIND, 'tbf')
      writer.nested(nl.TCA_OPTIONS, () => {
        writer.attribute(nl.TCA_TBF_PARMS, tbfParameters(rate, burst))
        if (rate > 0xffff_ffff) writer.attributeU64(nl.TCA_TBF_RATE64, rate)
        writer.attributeU32(nl.TCA_TBF_BURST, burst)
      })
    },
  }
}

/** `struct tc_tbf_qopt`: rate, no peak rate, and how many bytes may wait. */
function tbfParameters(rate: number, burst: number): Uint8Array {
  const parameters = Buffer.alloc(36)
  parameters.writeUInt8(nl.TC_LINKLAYER_ETHERNET, 1)
  parameters.writeUInt32LE(Math.min(rate, 0xffff_ffff), 8)
  parameters.writeUInt32LE(Math.min(Math.ceil(rate * LATENCY_S) + burst, 0xffff_ffff), 24)
  return parameters
}

/** `tc qdisc delete dev NAME root`. */
export function unlimitRate(index: number, name: string): RouteRequest {
  return {
    type: nl.RTM_DELQDISC,
    flags: 0,
    action: `end the limit of what ${name} sends`,
    body: (writer) => header(writer, index, { parent: nl.TC_H_ROOT }),
  }
}

/** `ip link add NAME up type ifb`: a link that what others receive can be led through. */
export function newIfb(name: string, mtu: number | undefined): RouteRequest {
  return {
    type: nl.RTM_NEWLINK,
    flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
    action: `create ifb ${name}`,
    body: (writer) => {
      linkHeader(writer, 0, nl.IFF_UP, nl.IFF_UP)
      writer.attributeString(nl.IFLA_IFNAME, name)
      if (mtu !== undefined) writer.attributeU32(nl.IFLA_MTU, mtu)
      writer.attributeU32(nl.IFLA_NUM_TX_QUEUES, 1)
      writer.attributeU32(nl.IFLA_NUM_RX_QUEUES, 1)
      writer.nested(nl.IFLA_LINKINFO, () => writer.attributeString(nl.IFLA_INFO_KIND, 'ifb'))
    },
  }
}

/**
 * Leads all that a link receives through an ifb first (`tc qdisc add dev NAME ingress; tc filter add dev NAME ingress
 * protocol all u32 match u32 0 0 action mirred egress redirect dev IFB`).
 */
export function redirectReceived(index: number, name: string, ifb: number): RouteRequest[] {
  return [
    {
      type: nl.RTM_NEWQDISC,
      flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
      action: `look at what ${name} receives`,
      body: (writer) => {
        header(writer, index, { handle: INGRESS_HANDLE, parent: nl.TC_H_INGRESS })
        writer.attributeString(nl.TCA_KIND, 'ingress')
      },
    },
    {
      type: nl.RTM_NEWTFILTER,
      flags: nl.NLM_F_CREATE | nl.NLM_F_EXCL,
      action: `redirect what ${name} receives`,
      body: (writer) => {
        header(writer, index, { parent: INGRESS_HANDLE, info: PRIORITY * 0x1_0000 + ETH_P_ALL })
        writer.attributeString(nl.TCA_KIND, 'u32')
        writer.nested(nl.TCA_OPTIONS, () => {
          writer.attribute(nl.TCA_U32_SEL, everyPacket())
          writer.nested(nl.TCA_U32_ACT, () => {
            writer.nested(1, () => redirectAction(writer, ifb))
          })
        })
      },
    },
  ]
}

/** `struct tc_u32_sel` with one `struct tc_u32_key` that no bit of has to match. */
function everyPacket(): Uint8Array {
  const selector = Buffer.alloc(16 + 16)
  selector.writeUInt8(nl.TC_U32_TERMINAL, 0)
  selector.writeUInt8(1, 2) // keys
  return selector
}

/** `action mirred egress redirect`, with `struct tc_mirred`. */
function redirectAction(writer: MessageWriter, index: number): void {
  const parameters = Buffer.alloc(28)
  parameters.writeInt32LE(nl.TC_ACT_STOLEN, 8)
  parameters.writeInt32LE(nl.TCA_EGRESS_REDIR, 20)
  parameters.writeUInt32LE(index, 24)
  writer.attributeString(nl.TCA_ACT_KIND, 'mirred')
  writer.nested(nl.TCA_ACT_OPTIONS, () => writer.attribute(nl.TCA_MIRRED_PARMS, parameters))
}

/** `tc qdisc delete dev NAME ingress`, with the filters. */
export function receiveDirectly(index: number, name: string): RouteRequest {
  return {
    type: nl.RTM_DELQDISC,
    flags: 0,
    action: `no longer look at what ${name} receives`,
    body: (writer) => header(writer, index, { handle: INGRESS_HANDLE, parent: nl.TC_H_INGRESS }),
  }
}
