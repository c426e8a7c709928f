import { badRequest } from '../../errors.js'

/** A host and a port of an address. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/**
 * Reads `HOST`, `HOST:PORT`, `[IPv6]:PORT`.
 *
 * @returns Undefined when it is none of these.
 */
export function parseHostPort(text: string, fallback: Partial<HostPort> = {}): HostPort | undefined {
  const [, six, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = six ?? (name === '' ? fallback.host : name)
  const port = digits === undefined ? fallback.port : Number(digits)
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port }
}

/** Scheme and rest of an address. @throws `ApiError` 400 when it has none. */
export function splitAddress(address: string): { readonly scheme: string; readonly rest: string } {
  const [, scheme, rest] = /^([a-z+]+):\/\/(.*)$/s.exec(address) ?? []
  if (scheme === undefined || rest === undefined)
    throw badRequest(`invalid address ${JSON.stringify(address)}: SCHEME://... is needed`)
  return { scheme, rest }
}
