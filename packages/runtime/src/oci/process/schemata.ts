import type { ConfigIntelRdt } from '../config/config.js'

/** Text for the `schemata` file of resctrl: cache, memory bandwidth, then the lines of `schemata`; may be empty. */
export function schemataOf({ l3CacheSchema = '', memBwSchema = '', schemata = [] }: ConfigIntelRdt): string {
  return [l3CacheSchema, memBwSchema, ...schemata]
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('')
}

/**
 * Compares schemata with those of a class of service: each value that is wanted must be there, in any order and with
 * any number of leading zeros.
 *
 * @returns The first wanted line that differs, undefined when none does.
 */
export function differingSchema(wanted: string, current: string): string | undefined {
  const there = new Map(current.split('\n').flatMap((line) => entriesOf(line)))
  return wanted
    .split('\n')
    .find((line) => line !== '' && entriesOf(line).some(([domain, value]) => there.get(domain) !== value))
}

/** `L3:0=0ff;1=c0` as `[['L3:0', 'ff'], ['L3:1', 'c0']]`. */
function entriesOf(line: string): [domain: string, value: string][] {
  const colon = line.indexOf(':')
  const resource = line.slice(0, colon).trim()
  return line
    .slice(colon + 1)
    .split(';')
    .map((entry) => {
      const [domain = '', value = ''] = entry.split('=').map((part) => part.trim())
      return [`${resource}:${domain}`, value.toLowerCase().replace(/^0+(?=.)/, '')]
    })
}
