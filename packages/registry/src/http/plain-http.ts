import { RegistryError } from '../errors.js'

/**
 * Which registries are spoken to over plain HTTP instead of HTTPS: `true` all, `false` none, a list those
 * named (`host` or `host:port`) besides this machine itself. Default: only this machine itself, which is
 * `localhost`, `127.0.0.0/8` and `[::1]`.
 */
export type Insecure = boolean | readonly string[]

/** True when plain HTTP is spoken to `host`, a host name or address with optional port. */
export function isPlainHttp(host: string, insecure: Insecure | undefined): boolean {
  if (typeof insecure === 'boolean') return insecure
  const name = host.replace(/:\d*$/, '')
  return isLoopback(name) || (insecure ?? []).some((entry) => entry === host || entry === name)
}

/** The root of a registry's API, such as `https://registry-1.docker.io`. */
export function registryOrigin(registry: string, insecure: Insecure | undefined): URL {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  return new URL(`${isPlainHttp(registry, insecure) ? 'http' : 'https'}://${host}`)
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

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}
