import { createHash } from 'node:crypto'
import type { Bandwidth } from '../../bandwidth.js'
import type { PortMapping } from '../../ports.js'
import { isHostName } from '../../validate.js'
import { isJsonObject, type JsonObject } from '../json.js'
import { isCniName } from '../network-config.js'
import { readResult, type CniResult } from '../result.js'
import { CNI_VERSIONS, isKnownVersion } from '../versions.js'
import {
  INCOMPATIBLE_VERSION,
  INVALID_CONFIG,
  INVALID_ENVIRONMENT,
  PluginError,
  UNDECODABLE,
} from './plugin-error.js'

/** The network that a plugin is told of on its standard input. */
export interface PluginNetwork {
  readonly cniVersion: string
  readonly name: string
  /** Options of `Netbridge.open()`. */
  readonly open: Readonly<
    Record<'state' | 'instance' | 'bridge' | 'subnet' | 'gateway', string | undefined>
  > & {
    readonly mtu: number | undefined
  }
  readonly dns: CniResult['dns']
  readonly previous: CniResult | undefined
  readonly ip: string | undefined
  readonly mac: string | undefined
  readonly names: readonly string[]
  readonly publish: readonly PortMapping[]
  readonly bandwidth: Bandwidth
  /** For `GC`. */
  readonly valid: readonly { readonly containerId: string; readonly ifname: string }[]
}

/** Where the state of an instance is unless the configuration says otherwise: that of everything else of the project. */
export const defaultState = '/run/ctrjs/net'

/** Reads what a plugin is told: its configuration, and arguments of the environment. */
export function readNetwork(value: unknown, args: ReadonlyMap<string, string>): PluginNetwork {
  if (!isJsonObject(value)) throw new PluginError(UNDECODABLE, 'the network configuration is no JSON object')
  const { cniVersion, name, dns, prevResult } = value
  if (!isKnownVersion(cniVersion)) {
    throw new PluginError(
      INCOMPATIBLE_VERSION,
      'incompatible CNI versions',
      `config is ${JSON.stringify(cniVersion)}, plugin supports ${CNI_VERSIONS.join(', ')}`,
    )
  }
  if (!isCniName(name)) throw invalid('name', name)
  const previous = prevResult === undefined ? undefined : readResult(prevResult, cniVersion)
  if (typeof previous === 'string') throw new PluginError(INVALID_CONFIG, `invalid prevResult: ${previous}`)
  const checkedDns = readResult({ dns }, cniVersion)
  if (typeof checkedDns === 'string') throw invalid('dns', dns)
  const wanted = isJsonObject(value['runtimeConfig']) ? value['runtimeConfig'] : {}
  const pod = args.get('K8S_POD_NAME')
  return {
    cniVersion,
    name,
    open: {
      state: text(value, 'state') ?? defaultState,
      instance: text(value, 'instance'),
      bridge: text(value, 'bridge'),
      subnet: text(value, 'subnet'),
      gateway: text(value, 'gateway'),
      mtu: value['mtu'] === undefined ? undefined : integer('mtu', value['mtu']),
    },
    dns: checkedDns.dns,
    previous,
    ip: oneAddress(wanted['ips']) ?? args.get('IP'),
    mac: text(wanted, 'mac') ?? args.get('MAC'),
    names: [...(pod !== undefined && isHostName(pod) ? [pod] : []), ...aliases(name, wanted['aliases'])],
    publish: list('portMappings', wanted['portMappings']).flatMap((mapping) => portMapping(mapping)),
    bandwidth: bandwidthOf(wanted['bandwidth'] ?? {}),
    valid: list('cni.dev/valid-attachments', value['cni.dev/valid-attachments']).map(
      ({ containerID, ifname }) => {
        if (typeof containerID !== 'string' || typeof ifname !== 'string')
          throw invalid('cni.dev/valid-attachments', value)
        return { containerId: containerID, ifname }
      },
    ),
  }
}

/** Reads `CNI_ARGS`. */
export function readArguments(value: string): Map<string, string> {
  const pairs = value.split(';').filter((pair) => pair !== '')
  return new Map(
    pairs.map((pair) => {
      const [, key, data] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
      if (key === undefined || data === undefined) {
        throw new PluginError(
          INVALID_ENVIRONMENT,
          `invalid CNI_ARGS: ${JSON.stringify(pair)} is no KEY=VALUE`,
        )
      }
      return [key, data]
    }),
  )
}

/**
 * Id of the endpoint that an attachment is: of bounded length, different for each, and known by its beginning to be one
 * of CNI and of that network.
 */
export function endpointId(network: string, containerId: string, ifname: string): string {
  return `${endpointPrefix(network)}${containerId.slice(0, 64)}-${digest(`${containerId}/${ifname}`, 12)}`
}

/** How ids of a network's endpoints begin. */
export function endpointPrefix(network: string): string {
  return `cni-${digest(network, 10)}-`
}

function digest(value: string, length: number): string {
  return createHash('sha256').update(value).digest('hex').slice(0, length)
}

function invalid(key: string, value: unknown): PluginError {
  const shown = value === undefined ? 'missing' : JSON.stringify(value).slice(0, 200)
  return new PluginError(INVALID_CONFIG, `invalid network config: ${key} must not be ${shown}`)
}

function text(from: JsonObject, key: string): string | undefined {
  const value = from[key]
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw invalid(key, value)
  return value
}

function integer(key: string, value: unknown): number {
  if (!Number.isInteger(value)) throw invalid(key, value)
  return value as number
}

function list(key: string, value: unknown): JsonObject[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw invalid(key, value)
  return value
}

/** An address, with or without the length of its prefix. */
function oneAddress(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  const ips: unknown[] = Array.isArray(value) ? value : [value]
  if (ips.length > 1 || !ips.every((ip) => typeof ip === 'string')) throw invalid('ips', value)
  return ips[0]?.split('/')[0]
}

/** A list, or as Podman has it, a list for each network. */
function aliases(network: string, value: unknown): string[] {
  const names = (isJsonObject(value) ? value[network] : value) ?? []
  if (!Array.isArray(names) || !names.every((alias) => typeof alias === 'string'))
    throw invalid('aliases', value)
  return names
}

/** By convention a rate of 0 is no limit, whatever its burst is. */
function bandwidthOf(value: unknown): Bandwidth {
  if (!isJsonObject(value)) throw invalid('bandwidth', value)
  const figure = (key: string): number | undefined => {
    const number = value[key] === undefined ? 0 : integer(`bandwidth.${key}`, value[key])
    return number === 0 ? undefined : number
  }
  const [ingressRate, egressRate] = [figure('ingressRate'), figure('egressRate')]
  return {
    ingressRate,
    ingressBurst: ingressRate === undefined ? undefined : figure('ingressBurst'),
    egressRate,
    egressBurst: egressRate === undefined ? undefined : figure('egressBurst'),
  }
}

/** By convention a port 0 of the host is none. */
function portMapping({ hostPort, containerPort, protocol = 'tcp', hostIP }: JsonObject): PortMapping[] {
  const name = typeof protocol === 'string' ? protocol.toLowerCase() : protocol
  if (name !== 'tcp' && name !== 'udp') throw invalid('portMappings.protocol', protocol)
  if (hostIP !== undefined && typeof hostIP !== 'string') throw invalid('portMappings.hostIP', hostIP)
  const host = integer('portMappings.hostPort', hostPort)
  if (host === 0) return []
  const container = integer('portMappings.containerPort', containerPort)
  return [
    { host, container, protocol: name, ...(hostIP === undefined || hostIP === '' ? {} : { hostIp: hostIP }) },
  ]
}
