import { RegistryError } from '../errors.js'
import { hostNameOf, isInNetwork, isLoopback } from './network.js'

/**
 * Which registries need no certificate that can be checked, and may be spoken to over plain HTTP: `true` all,
 * `false` none, a list those named (`host`, `host:port`) or in a network (`10.0.0.0/8`), besides this machine
 * itself. A network holds registries that are written as addresses; names are not looked up. Default: only
 * this machine itself, which is `localhost`, `127.0.0.0/8` and `[::1]`.
 */
export type Insecure = boolean | readonly string[]

/** True when plain HTTP may be spoken to `host`, a host name or address with optional port. */
export function isPlainHttp(host: string, insecure: Insecure | undefined): boolean {
  if (typeof insecure === 'boolean') return insecure
  const name = hostNameOf(host)
  const isNamed = (entry: string): boolean => {
    const lower = entry.toLowerCase()
    return (
      lower === host.toLowerCase() || lower.replace(/^\[(.*)\]$/, '$1') === name || isInNetwork(name, entry)
    )
  }
  return isLoopback(name) || (insecure ?? []).some(isNamed)
}

/** The root of a registry's API, such as `https://registry-1.docker.io`. */
export function registryOrigin(registry: string, protocol: 'http' | 'https'): URL {
  return new URL(`${protocol}://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`)
}

/**
 * Checks an address that a registry sent us to, by redirect, upload location or token realm: HTTP or HTTPS,
 * never from HTTPS to plain HTTP, and plain HTTP only where it is allowed.
 *
 * @param what - What is being done, for the error: `cannot <what>: …`.
 */
export function checkNextAddress(what: string, from: URL, to: URL, insecure: Insecure | undefined): void {
  if (to.protocol === 'https:') return
  const shown = `${to.protocol}//${to.host}`
  if (to.protocol !== 'http:') {
    throw new RegistryError(
      'ERR_REGISTRY_PROTOCOL',
      `cannot ${what}: sent on to ${shown}, which is neither http nor https`,
    )
  }
  if (from.protocol === 'https:' || !isPlainHttp(to.host, insecure)) {
    throw new RegistryError(
      'ERR_REGISTRY_INSECURE',
      `cannot ${what}: sent on to ${shown}, where plain HTTP is not allowed`,
    )
  }
}
