import type { Bandwidth } from '@ctr/netbridge'
import { RuntimeError } from '../errors.js'

/** How a container is connected: `'bridge'` stands for networks of the runtime, whatever their drivers. */
export type NetworkMode = 'none' | 'host' | 'bridge' | 'container' | 'pasta' | 'slirp4netns'

/** Addresses that a container is to have on a network, and how fast it may be there. */
export interface WantedAddresses {
  /** A fixed IPv4 address of the network. Default the next free one. */
  readonly ip?: string | undefined
  /** A fixed IPv6 address, where the network has IPv6. */
  readonly ip6?: string | undefined
  /** Hardware address. Default one that follows from the address. */
  readonly mac?: string | undefined
  /**
   * Further addresses of its interface that the network hands out to nobody, at most 16: with a prefix of 16 bits, of IPv6
   * 64. Default none.
   */
  readonly linkLocalIps?: readonly string[] | undefined
  /** How fast it may send and receive, in bits per second. Networks with a bridge only. Default no limit. */
  readonly bandwidth?: Bandwidth | undefined
}

/** A network of `runtime.networks`, and how the container is on it. */
export interface NetworkAttachment extends WantedAddresses {
  /** Name of the network; `'bridge'` is the one that is always there. */
  readonly name: string
  /** Names by which others of the network find it, beside its own and its id. */
  readonly aliases?: readonly string[] | undefined
  /** Other containers of the network by names of this container's own: `{ db: 'shop-database-1' }`. */
  readonly links?: Readonly<Record<string, string>> | undefined
  /** Name of its interface, 1 to 15 bytes. Default `ethN`, as many as there are. */
  readonly interface?: string | undefined
  /** Of several networks that with the highest is the way out, else the first. A whole number, default 0. */
  readonly gatewayPriority?: number | undefined
}

/**
 * The network of a container: `'none'`, `'host'`, `'container:NAME'` for that of another container, a network of
 * `runtime.networks` by name, or several of them, of which the first that leads out is the way out, unless
 * `gatewayPriority` says otherwise.
 */
export type NetworkOption = string | NetworkAttachment | readonly (string | NetworkAttachment)[]

/** A network option, taken apart. */
export interface ChosenNetwork {
  /** Undefined: the best that the caller may have. */
  readonly mode: NetworkMode | undefined
  /** Of the mode `'bridge'`. */
  readonly attachments: readonly NetworkAttachment[]
  /** Of the mode `'container'`: id or name. */
  readonly container: string | undefined
}

const alone = ['none', 'host', 'pasta', 'slirp4netns'] as const

/**
 * Takes a network option apart.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function parseNetwork(option: NetworkOption | undefined): ChosenNetwork {
  if (option === undefined) return { mode: undefined, attachments: [], container: undefined }
  const list: readonly (string | NetworkAttachment)[] = isList(option) ? option : [option]
  const attachments = list.map((each) => (typeof each === 'string' ? { name: each } : each))
  if (attachments.length === 0) throw invalid('cannot use no network: say none')
  for (const { name } of attachments) {
    const mode = alone.find((each) => each === name)
    const container = /^container:(.+)$/s.exec(name)?.[1]
    if (mode === undefined && container === undefined) continue
    if (attachments.length > 1) throw invalid(`cannot use network ${name} together with others`)
    if (
      typeof list[0] !== 'string' &&
      Object.values(attachments[0]!).filter((value) => value !== undefined).length > 1
    )
      throw invalid(`cannot use addresses or aliases on network ${name}: they are for networks of their own`)
    return { mode: mode ?? 'container', attachments: [], container }
  }
  for (const { name, gatewayPriority: priority } of attachments) checkPriority(name, priority)
  const twice = attachments.find(({ name }, at) => attachments.findIndex((each) => each.name === name) !== at)
  if (twice !== undefined) throw invalid(`cannot use network ${twice.name} twice`)
  return { mode: 'bridge', attachments, container: undefined }
}

/** @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`. */
export function checkPriority(network: string, priority: number | undefined): void {
  if (priority !== undefined && !Number.isSafeInteger(priority))
    throw invalid(
      `cannot use ${priority} as gatewayPriority on network ${network}: it must be a whole number`,
    )
}

function isList(option: NetworkOption): option is readonly (string | NetworkAttachment)[] {
  return Array.isArray(option)
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
