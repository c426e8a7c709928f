import { isIP } from 'node:net'
import { isJsonObject, type JsonObject } from './json.js'
import { atLeast, isKnownVersion } from './versions.js'

/** An interface that plugins made. */
export interface CniInterface {
  readonly name: string
  readonly mac?: string
  readonly mtu?: number
  /** Path of the network namespace that it is in; unset or empty for the host's. */
  readonly sandbox?: string
}

/** An address that plugins gave. */
export interface CniAddress {
  /** In CIDR form. */
  readonly address: string
  readonly gateway?: string
  /** Which of the interfaces has it. */
  readonly interface?: number
  /** `'4'` or `'6'`, before version 1.0.0. */
  readonly version?: string
}

/** What a chain of plugins made, as the last of them printed it; unknown fields are kept. */
export interface CniResult {
  readonly cniVersion: string
  readonly interfaces?: readonly CniInterface[]
  readonly ips?: readonly CniAddress[]
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[]
  readonly dns?: {
    readonly nameservers?: readonly string[]
    readonly domain?: string
    readonly search?: readonly string[]
    readonly options?: readonly string[]
  }
}

/**
 * Checks what a plugin printed and brings it into the form of the version that was asked for: plugins may answer in an
 * older one, or name none.
 *
 * @returns The result, or in words what is wrong with it.
 */
export function readResult(value: unknown, version: string): CniResult | string {
  if (!isJsonObject(value)) return 'it is no JSON object'
  const said = value['cniVersion'] ?? version
  if (said !== '' && !isKnownVersion(said)) return `its cniVersion is ${JSON.stringify(said).slice(0, 80)}`
  for (const [field, check] of Object.entries(elements)) {
    const list = value[field]
    if (list === undefined || list === null) continue
    if (!Array.isArray(list)) return `its ${field} is no list`
    for (const element of list as unknown[]) {
      const wrong = isJsonObject(element) ? check(element, value) : 'no object'
      if (wrong !== undefined) return `an element of its ${field} is ${wrong}`
    }
  }
  const { dns } = value
  if (dns !== undefined && dns !== null && !isDns(dns)) return 'its dns is malformed'
  const nothing = Object.entries(value).filter(([, field]) => field !== null)
  const result = { ...Object.fromEntries(nothing), cniVersion: version } as unknown as CniResult
  return result.ips === undefined ? result : { ...result, ips: result.ips.map((ip) => convert(ip, version)) }
}

/** What is wrong with an element of a list; undefined for nothing. */
const elements: Record<string, (element: JsonObject, result: JsonObject) => string | undefined> = {
  interfaces: ({ name, mac, sandbox }) =>
    typeof name !== 'string' || name === '' || !isText(mac) || !isText(sandbox) ? 'malformed' : undefined,
  ips: ({ address, gateway, interface: index }, { interfaces }) => {
    if (!isCidr(address)) return 'no address in CIDR form'
    if (gateway !== undefined && (typeof gateway !== 'string' || isIP(gateway) === 0)) return 'malformed'
    const count = Array.isArray(interfaces) ? interfaces.length : 0
    const known = Number.isInteger(index) && (index as number) >= 0 && (index as number) < count
    // plugins for addresses know no interfaces, and -1 is what some print for none
    return index === undefined || index === -1 || known ? undefined : 'of an interface that it does not name'
  },
  routes: ({ dst, gw }) => (isCidr(dst) && (gw === undefined || isText(gw)) ? undefined : 'malformed'),
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isCidr(value: unknown): value is string {
  const [address = '', length = '', more] = typeof value === 'string' ? value.split('/') : []
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return more === undefined && /^\d{1,3}$/.test(length) && Number(length) <= bits
}

function isDns(value: unknown): boolean {
  if (!isJsonObject(value) || !isText(value['domain'])) return false
  return ['nameservers', 'search', 'options'].every((field) => {
    const list = value[field] ?? []
    return Array.isArray(list) && list.every((entry) => typeof entry === 'string')
  })
}

/** Before 1.0.0 an address said of which family it is. */
function convert({ version: _, ...ip }: CniAddress, version: string): CniAddress {
  return atLeast(version, '1.0.0') ? ip : { version: ip.address.includes(':') ? '6' : '4', ...ip }
}
