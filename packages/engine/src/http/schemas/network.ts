import type { Static } from '@sinclair/typebox'
import * as Type from '@sinclair/typebox'
import { flag, maybe, text, textMap, texts, whole } from './members.js'

const ipamConfig = Type.Object({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: textMap })

/** Body of `POST /networks/create`. */
export const networkBody = Type.Object({
  Name: Type.String({ minLength: 1 }),
  Driver: text,
  Scope: text,
  Internal: flag,
  Attachable: flag,
  Ingress: flag,
  ConfigOnly: flag,
  ConfigFrom: maybe(Type.Object({ Network: text })),
  EnableIPv4: flag,
  EnableIPv6: flag,
  IPAM: maybe(Type.Object({ Driver: text, Config: maybe(Type.Array(ipamConfig)), Options: textMap })),
  Options: textMap,
  Labels: textMap,
})
export type NetworkBody = Static<typeof networkBody>

/** How a container is on a network. */
export const endpointConfig = Type.Object({
  IPAMConfig: maybe(Type.Object({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: texts })),
  Aliases: texts,
  Links: texts,
  MacAddress: text,
  DriverOpts: textMap,
  GwPriority: whole,
})
export type EndpointConfig = Static<typeof endpointConfig>

/** Body of `POST /networks/{id}/connect`. */
export const connectBody = Type.Object({
  Container: Type.String({ minLength: 1 }),
  EndpointConfig: maybe(endpointConfig),
})
export type ConnectBody = Static<typeof connectBody>

/** Body of `POST /networks/{id}/disconnect`. */
export const disconnectBody = Type.Object({ Container: Type.String({ minLength: 1 }), Force: flag })
export type DisconnectBody = Static<typeof disconnectBody>
