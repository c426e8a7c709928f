import { usageError } from '../errors.js'

/** Reads `NAME:ADDRESS` and `NAME=ADDRESS`; the address may be `host-gateway`, or IPv6 in brackets. */
export function parseHosts(lines: readonly string[]): Record<string, string[]> {
  const hosts: Record<string, string[]> = {}
  for (const line of lines) {
    const [, name, address] = /^([^:=]+)[:=](.+)$/.exec(line) ?? []
    if (name === undefined || address === undefined)
      throw usageError(`invalid argument "${line}" for --add-host: NAME:ADDRESS is needed`)
    hosts[name] = [...(hosts[name] ?? []), address.replace(/^\[(.*)\]$/, '$1')]
  }
  return hosts
}
