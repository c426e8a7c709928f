import { badRequest } from '../errors.js'

const powers: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 }

/** A size as log options have it: `10m`, `1.5GB`, `512k`; a unit is a power of 1000, or of 1024 for buffers. */
export function parseLogSize(text: string, unit: 1000 | 1024): number {
  const [, number, power = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp])?(?:i?b)?$/i.exec(text) ?? []
  if (number === undefined) throw badRequest(`invalid size: '${text}'`)
  return Math.floor(Number(number) * unit ** powers[power.toLowerCase()]!)
}

/** A boolean as Go reads it. */
export function parseLogFlag(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false
  throw badRequest(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
}

/** A duration as Go reads it, `1m30s`, in milliseconds. */
export function parseLogDuration(text: string): number {
  if (text === '0') return 0
  if (!/^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text))
    throw badRequest(`time: invalid duration ${JSON.stringify(text)}`)
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    sum += Number(number) * milliseconds[unit!]!
  return text.startsWith('-') ? -sum : sum
}

/** A whole number that is not negative, as Go reads it. */
export function parseLogCount(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw badRequest(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}
