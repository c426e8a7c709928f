/**
 * Reads the address of a bus: the sockets that may be tried, in order. Transports other than Unix sockets are passed
 * over. Pure.
 *
 * @param address - As `unix:path=/run/user/1000/bus,guid=...;unix:abstract=/tmp/x`.
 * @returns Paths; of abstract sockets with a NUL in front.
 * @see {@link https://dbus.freedesktop.org/doc/dbus-specification.html#addresses}
 */
export function parseAddress(address: string): string[] {
  return address.split(';').flatMap((one) => {
    const colon = one.indexOf(':')
    if (one.slice(0, colon) !== 'unix') return []
    for (const pair of one.slice(colon + 1).split(',')) {
      const [key, value = ''] = split(pair)
      if (key === 'path' && value.startsWith('/')) return [value]
      if (key === 'abstract' && value !== '') return [`\0${value}`]
    }
    return []
  })
}

function split(pair: string): [string, string?] {
  const at = pair.indexOf('=')
  if (at < 0) return [pair]
  const value = pair.slice(at + 1)
  try {
    return [pair.slice(0, at), decodeURIComponent(value)]
  } catch {
    return [pair.slice(0, at)] // no address of ours then
  }
}
