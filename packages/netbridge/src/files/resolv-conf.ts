import { isIP, isIPv4 } from 'node:net'
import { NetbridgeError } from '../errors.js'

/** What a `resolv.conf` says. */
export interface ResolvConf {
  readonly nameservers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** What {@link resolvConf} shall say; each list that is given replaces the host's. */
export interface ResolvConfOptions {
  /** Text of the host's `/etc/resolv.conf`; where systemd-resolved runs, of `/run/systemd/resolve/resolv.conf`. */
  readonly host?: string | undefined
  readonly nameservers?: readonly string[] | undefined
  /** Search domains. `['.']` means none. */
  readonly search?: readonly string[] | undefined
  /** Such as `'ndots:0'`. */
  readonly options?: readonly string[] | undefined
}

const MAXIMUM_TEXT = 64 * 1024

/**
 * Reads `resolv.conf` (resolv.conf(5)). Unknown lines are passed over; of several `search` or `domain` lines
 * the last counts, as in libc. More than 64 KiB of text is not read.
 */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = []
  let search: readonly string[] = []
  const options: string[] = []
  for (const line of text.slice(0, MAXIMUM_TEXT).split('\n')) {
    const [keyword, ...values] = line.trim().split(/[ \t]+/)
    if (keyword === 'nameserver' && isIP(values[0] ?? '') !== 0) nameservers.push(values[0]!)
    if (keyword === 'search' || keyword === 'domain') search = values
    if (keyword === 'options') options.push(...values)
  }
  return { nameservers, search, options }
}

/**
 * Text of a container's `/etc/resolv.conf`. From the host's, name servers that only the host itself can
 * reach are left out: loopback addresses and addresses with a zone. When none is left the file names none,
 * and the C library then asks 127.0.0.1.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: a name server is no address, or a domain or an
 *   option has a character that would begin another word or line.
 *
 * @example
 * resolvConf({ host: readFileSync('/etc/resolv.conf', 'utf8'), search: ['example.com'] })
 */
export function resolvConf({ host = '', nameservers, search, options }: ResolvConfOptions = {}): string {
  const inherited = parseResolvConf(host)
  const servers = nameservers ?? inherited.nameservers.filter(reachableFromContainers)
  for (const server of servers) {
    if (isIP(server) === 0) throw invalid('name server', server)
  }
  const domains = (search ?? inherited.search).filter((domain) => domain !== '.')
  for (const domain of domains) check('search domain', domain)
  const settings = options ?? inherited.options
  for (const setting of settings) check('option', setting)
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}\n`] : []),
    ...(settings.length > 0 ? [`options ${settings.join(' ')}\n`] : []),
  ].join('')
}

function reachableFromContainers(address: string): boolean {
  if (isIPv4(address)) return !address.startsWith('127.')
  return address !== '::1' && !address.includes('%')
}

function check(what: string, value: string): void {
  if (!/^[A-Za-z0-9_.:-]{1,253}$/.test(value)) throw invalid(what, value)
}

function invalid(what: string, value: string): NetbridgeError {
  const quoted = JSON.stringify(value.slice(0, 80))
  return new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', `cannot write resolv.conf: ${quoted} is no ${what}`)
}
