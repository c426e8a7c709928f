/**
 * Container networks from Node.js: a bridge with its subnet, veth pairs, addresses from a persistent pool,
 * masquerading and published ports in one nftables table. Everything goes through netlink; no program is
 * started and nothing is loaded at import time.
 *
 * @packageDocumentation
 */
export { Netbridge, type NetbridgeOptions } from './netbridge.js'
export { Networks, type ConnectedEndpoint, type ConnectOptions, type NetworksOptions } from './networks.js'
export type { DamagedNetwork } from './state/instance-state.js'
export type { NetworkExplanation } from './explain/explain-network.js'
export type { Journey } from './explain/journeys.js'
export type { ExplainedChain, ExplainedTable } from './explain/read-tables.js'
export type { FirewallWarning } from './firewall/warnings.js'
export type { Network, RemoveOptions } from './network.js'
export type {
  NetworkDriver,
  NetworkInfo,
  NetworkOptions,
  OverlayInfo,
  OverlayOptions,
  SubnetInfo,
  SubnetOptions,
} from './network-info.js'
export type { OverlayPeer, RemoteEndpoint } from './overlay/definition.js'
export type { OverlayHost } from './overlay/hosts.js'
export type { IpvlanMode, MacvlanMode } from './netlink/stacked-links.js'
export {
  type AttachOptions,
  type DetachOptions,
  type Endpoint,
  type EndpointInfo,
  type EndpointIpv6,
} from './endpoint.js'
export type { Bandwidth } from './bandwidth.js'
export { interfaceStats, type LinkStats } from './link-stats.js'
export type { DnsOptions, DnsServer } from './dns/dns-server.js'
export {
  CONTAINER_DNS,
  serveContainerDns,
  type ContainerDnsOptions,
  type NamesOnNetwork,
} from './dns/container-dns.js'
export { type PortMapping, type Protocol, type PublishedPort } from './ports.js'
export {
  createNetworkNamespace,
  loopbackUp,
  type CreateNetworkNamespaceOptions,
  type NetworkNamespace,
} from './network-namespace.js'
export { moveLink, type MoveLinkOptions } from './move-link.js'
export type { LinkInfo } from './netlink/link-messages.js'
export { hostnameFile, hostsFile, hostsLines, type HostsEntry, type HostsFileOptions } from './files/hosts.js'
export { parseResolvConf, resolvConf, type ResolvConf, type ResolvConfOptions } from './files/resolv-conf.js'
export { isHostName } from './validate.js'
export type { CniAttachment } from './cni/request.js'
export { Cni, type CniAttachmentKey, type CniCallOptions, type CniOptions } from './cni/cni.js'
export type { CachedAttachment } from './cni/attachment-cache.js'
export {
  parseCniNetwork,
  readCniFolder,
  type CniFolder,
  type CniNetwork,
  type CniPluginConfig,
} from './cni/network-config.js'
export type { CniAddress, CniInterface, CniResult } from './cni/result.js'
export { isNetbridgeError, NetbridgeError, type CniPluginFailure, type NetbridgeErrorCode } from './errors.js'
