import type { EndpointInfo } from '../endpoint.js'
import type { OverlayPeer } from '../overlay/definition.js'
import { vxlanName } from '../overlay/vxlan-link.js'
import type { NetworkRecord } from '../state/network-record.js'

/** One way that packets of a network take. */
export interface Journey {
  /** From where to where. */
  readonly title: string
  /** What they come through, in order. */
  readonly steps: readonly string[]
}

/** How packets travel on a network, with its containers and published ports where it has some. */
export function journeys(
  record: NetworkRecord,
  endpoints: readonly EndpointInfo[],
  peers: readonly OverlayPeer[] = [],
): Journey[] {
  switch (record.info.driver) {
    case 'macvlan':
      return macvlanJourneys(record)
    case 'ipvlan':
      return ipvlanJourneys(record)
    case 'overlay':
      return [...bridgeJourneys(record, endpoints), ...overlayJourneys(record, endpoints, peers)]
    default:
      return bridgeJourneys(record, endpoints)
  }
}

function bridgeJourneys(record: NetworkRecord, endpoints: readonly EndpointInfo[]): Journey[] {
  const { info, bridge = '' } = record
  const gateway = info.subnets.map((subnet) => subnet.gateway).join(', ')
  const container = endpoints[0]
  const sending = end(container, 'a container')
  const receiving = end(endpoints[1], 'another container')
  return [
    {
      title: 'From container to container',
      steps: [
        ...sending,
        info.icc
          ? `bridge ${bridge} switches the frame by its hardware address; only with br_netfilter does netfilter see it: forward, iifname . oifname @inside accept`
          : `bridge ${bridge}: its ports are isolated from each other, the frame ends here`,
        ...(info.icc ? [...receiving].reverse() : []),
      ],
    },
    outward(record, sending, gateway),
    ...published(record, endpoints),
    {
      title: 'From other networks of this host',
      steps: [
        `bridge of that network, forward: oifname is in @bridges, and no rule accepts it but those for answers and published ports: drop`,
      ],
    },
    {
      title: 'Names',
      steps: [
        ...sending,
        `127.0.0.11 port 53, where the runtime serves them: it stays inside the container, whose own table leads it to the server`,
        `or ${info.subnets[0]?.gateway ?? gateway} port 53 by bridge ${bridge}, hook input, where serveDns() does`,
      ],
    },
  ]
}

function overlayJourneys(
  { info, bridge = '' }: NetworkRecord,
  endpoints: readonly EndpointInfo[],
  peers: readonly OverlayPeer[],
): Journey[] {
  const { vni, port, local } = info.overlay!
  const link = vxlanName(info.id)
  const peer = peers.find((each) => each.endpoints.length > 0)
  const remote = peer?.endpoints[0]
  const who = remote?.names[0] ?? remote?.id.slice(0, 12) ?? 'a container there'
  const there = peer?.address ?? 'the other host'
  return [
    {
      title: `To a container of another host${remote === undefined ? '' : ` (${who}, ${remote.address}, ${remote.mac})`}`,
      steps: [
        ...end(endpoints[0], 'a container'),
        info.icc
          ? `bridge ${bridge}: it answers ARP and neighbour discovery for ${who} itself (neigh_suppress, permanent neighbours), and knows that the hardware address is behind ${link}`
          : `bridge ${bridge}: ${link} is a port as isolated as those of the containers, the frame ends here`,
        ...(info.icc
          ? [
              `${link}: its table says which host has that hardware address: ${there}; what nobody has, and what is for all, goes to each host once`,
              `a UDP packet from ${local} to ${there} port ${port}, number ${vni}, 50 bytes larger, neither encrypted nor signed`,
              `there the same in the other direction: its VXLAN link, its bridge, the container`,
            ]
          : []),
      ],
    },
    {
      title: 'From this host to a container of another host',
      steps: [
        `nothing comes back: the bridge of each host has the address of the gateway, and the container answers the one of its own host`,
      ],
    },
  ]
}

/** Both ends of a container's link. */
function end(endpoint: EndpointInfo | undefined, otherwise: string): string[] {
  if (endpoint === undefined) return [`eth0 of ${otherwise}`]
  const addresses = [endpoint.address, ...(endpoint.ipv6 === null ? [] : [endpoint.ipv6.address])]
  return [
    `${endpoint.name} of ${endpoint.names[0] ?? endpoint.id.slice(0, 12)} (${addresses.join(', ')}, ${endpoint.mac})`,
    ...(endpoint.ifname === null ? [] : [`${endpoint.ifname}, the host's end of its veth pair`]),
  ]
}

function outward({ info, bridge = '' }: NetworkRecord, sending: readonly string[], gateway: string): Journey {
  const title = 'From a container to the outside'
  if (info.internal)
    return {
      title,
      steps: [...sending, `no default route; what comes by hand, forward drops: iifname @internal`],
    }
  return {
    title,
    steps: [
      ...sending,
      `bridge ${bridge}, the default route (${gateway})`,
      `forward: oifname != @bridges accept; then the chains of others, where rules of ours accept iifname "${bridge}"`,
      info.masquerade
        ? 'postrouting: the source is in @subnets: masquerade, the host sends it as its own'
        : 'postrouting: not masqueraded, so others need a route back',
      'the interface that the routes of the host say',
    ],
  }
}

function published({ bridge = '' }: NetworkRecord, endpoints: readonly EndpointInfo[]): Journey[] {
  const ports = endpoints.flatMap((endpoint) =>
    endpoint.ports.map((port) => ({ ...port, endpoint, target: `${endpoint.address}:${port.container}` })),
  )
  return ports.flatMap(({ hostIp, host, protocol, container, target, endpoint }) => {
    const map = hostIp === '0.0.0.0' || hostIp === '::' ? '@ports' : '@ports_at'
    const inward = [
      `forward: ct status dnat accept; then the chains of others, where rules of ours accept oifname "${bridge}"`,
      `bridge ${bridge}`,
      ...end(endpoint, 'a container').reverse(),
    ]
    const outside = {
      title: `From the outside to port ${host}/${protocol} of the host (${hostIp})`,
      steps: [
        `prerouting: the destination is an address of the host: jump publish`,
        `publish: ${map} says ${target}: the destination becomes that`,
        ...inward,
      ],
    }
    const isLocal = hostIp === '0.0.0.0' || hostIp.startsWith('127.')
    const local = {
      title: `From localhost to port ${host}/${protocol}`,
      steps: [
        `output: the destination is an address of the host: jump publish`,
        `publish: ${map} says ${target}: the destination becomes that`,
        `out of ${bridge}, which route_localnet allows; postrouting: from 127.0.0.0/8 to @bridges: masquerade, the container sees the gateway`,
        ...inward.slice(1),
      ],
    }
    const isLocal6 =
      ['0.0.0.0', '::', '::1'].includes(hostIp) && endpoint.ipv6 !== null && protocol !== 'sctp'
    const local6 = {
      title: `From [::1] to port ${host}/${protocol}`,
      steps: [
        'the process that holds the port: from ::1 the kernel lets nothing leave the host',
        `a connection of its own to [${endpoint.ipv6?.address}]:${container}, out of ${bridge}: the container sees the gateway`,
        ...inward.slice(1),
      ],
    }
    return [
      ...(hostIp.startsWith('127.') || hostIp === '::1' ? [] : [outside]),
      ...(isLocal ? [local] : []),
      ...(isLocal6 ? [local6] : []),
    ]
  })
}

function macvlanJourneys({ info }: NetworkRecord): Journey[] {
  const { parent = '', mode = 'bridge' } = info
  const between: Readonly<Record<string, string>> = {
    bridge: `${parent} hands the frame to the other link itself, whose hardware address it knows`,
    private: `${parent} drops it: links of the mode private do not see each other`,
    vepa: `out of ${parent}: the switch beyond has to send it back (VEPA)`,
    passthru: `there is no other container: the one on ${parent} has it for itself`,
  }
  return [
    {
      title: 'From container to container',
      steps: ['eth0, a macvlan link with its own hardware address', between[mode]!],
    },
    {
      title: 'From a container to the outside, and back',
      steps: [
        'eth0, a macvlan link with its own hardware address',
        `${parent}, as it is: the host routes nothing, changes no address, and its netfilter does not see it`,
        info.internal
          ? 'no default route: only what is on the same wire is reached'
          : `the gateway on the wire (${gatewaysOf(info)})`,
      ],
    },
    {
      title: 'Between a container and this host',
      steps: [`nothing: the kernel hands no frames from a macvlan link to its own parent`],
    },
    names,
  ]
}

function ipvlanJourneys({ info }: NetworkRecord): Journey[] {
  const { parent = '', mode = 'l2' } = info
  const how =
    mode === 'l2'
      ? `${parent} hands the frame to the link that has the destination address`
      : `${parent} routes the packet to the link that has the destination address: no frames, no ARP, no broadcast`
  const seen =
    mode === 'l3s'
      ? 'netfilter of the host sees it in input and output'
      : 'netfilter of the host does not see it'
  return [
    {
      title: 'From container to container',
      steps: [`eth0, an ipvlan link with the hardware address of ${parent}`, how],
    },
    {
      title: 'From a container to the outside, and back',
      steps: [
        `eth0, an ipvlan link with the hardware address of ${parent}`,
        mode === 'l2'
          ? `${parent}, as it is; ${seen}`
          : `${parent}, by the routes of the host; ${seen}; others need a route to ${info.subnets.map(({ subnet }) => subnet).join(', ')} by this host`,
        ...(mode === 'l2' ? [`the gateway on the wire (${gatewaysOf(info)})`] : []),
      ],
    },
    {
      title: 'Between a container and this host',
      steps: [`nothing: the kernel hands no packets from an ipvlan link to its own parent`],
    },
    names,
  ]
}

const names: Journey = {
  title: 'Names',
  steps: [
    '127.0.0.11 port 53: it stays inside the container, whose own table leads it to the server of the runtime',
  ],
}

function gatewaysOf({ subnets }: NetworkRecord['info']): string {
  return subnets.map(({ gateway }) => gateway).join(', ')
}
