import type { Value, Variant } from '../dbus/value.js'
import { CgroupError } from '../errors.js'
import type { UnitProperty } from './unit-property.js'

/** Properties that say which processes a unit has and where it is: those are its maker's. */
const reserved: readonly string[] = ['PIDs', 'PIDFDs', 'Slice', 'Delegate', 'Scope', 'ControlGroup']
const types: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
}
const USEC = 1_000_000

/**
 * Reads a property of a unit as text, in the form of GVariant that OCI annotations (`org.systemd.property.NAME`) have:
 * `true`, `15`, `uint64 10000000`, `'text'`, `['a', 'b']`, `(1, 'x')`, `@as []`. A whole number without a type has 32
 * bits. A name that ends in `Sec` is that of a time in seconds; it becomes the one in microseconds that systemd has on
 * D-Bus, as `TimeoutStopSec` becomes `TimeoutStopUSec`. Pure.
 *
 * @param name - Of the property: letters, three at least.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`.
 * @see {@link https://docs.gtk.org/glib/gvariant-text-format.html}
 */
export function parseUnitProperty(name: string, text: string): UnitProperty {
  if (!/^[A-Za-z]{3,100}$/.test(name)) throw wrong(name, text, 'its name must be letters, three at least')
  if (reserved.includes(name)) throw wrong(name, text, 'it is not to be set')
  const parser = new Parser(name, text)
  const { signature, value } = parser.whole()
  if (!/[^U]Sec$/.test(name)) return { name, signature, value }
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw wrong(name, text, 'a time in seconds is a number')
  const usec = Math.round(Number(value) * USEC)
  if (!(usec >= 0 && Number.isSafeInteger(usec))) throw wrong(name, text, 'it is out of range')
  return { name: name.replace(/Sec$/, 'USec'), signature: 't', value: BigInt(usec) }
}

/** Reads a text from its beginning. Values are nested ten deep at most. */
class Parser {
  readonly #name: string
  readonly #text: string
  #at = 0

  constructor(name: string, text: string) {
    this.#name = name
    this.#text = text
  }

  whole(): Variant {
    const value = this.#value(undefined, 0)
    if (this.#match(/$/) === undefined) throw this.#wrong('something is behind the value')
    return value
  }

  #value(type: string | undefined, depth: number): Variant {
    if (depth > 10) throw this.#wrong('it is nested too deeply')
    const annotated = this.#match(/@([a-z()]+)/)
    if (annotated !== undefined) return this.#value(annotated, depth)
    const word = this.#match(/([a-z]+[0-9]*)/)
    if (word === 'true' || word === 'false') return this.#basic(type ?? 'b', word === 'true')
    if (word !== undefined) {
      if (!Object.hasOwn(types, word)) throw this.#wrong(`there is no type ${word}`)
      return this.#value(types[word], depth)
    }
    const quote = this.#match(/(["'])/)
    if (quote !== undefined) return this.#basic(type ?? 's', this.#quoted(quote))
    if (this.#match(/(\[)/) !== undefined) return this.#array(type, depth)
    if (this.#match(/(\()/) !== undefined) return this.#tuple(depth)
    const number = this.#match(/([-+]?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?))/)
    if (number === undefined) throw this.#wrong('a value is missing')
    return this.#number(type ?? (/^[-+]?(0x[0-9a-fA-F]+|[0-9]+)$/.test(number) ? 'i' : 'd'), number)
  }

  #basic(type: string, value: boolean | string): Variant {
    const fits = typeof value === 'boolean' ? type === 'b' : 'sog'.includes(type)
    if (!fits) throw this.#wrong(`${JSON.stringify(value)} is not of type ${type}`)
    return { signature: type, value }
  }

  #number(type: string, text: string): Variant {
    if (type === 'd') return { signature: type, value: Number(text) }
    const bits = { y: 8, n: 16, q: 16, i: 32, u: 32, x: 64, t: 64 }[type]
    if (bits === undefined || /[.]|^[-+]?\d+[eE]/.test(text))
      throw this.#wrong(`${text} is not of type ${type}`)
    const magnitude = BigInt(text.replace(/^[-+]/, ''))
    const value = text.startsWith('-') ? -magnitude : magnitude
    const low = 'nix'.includes(type) ? -(2n ** BigInt(bits - 1)) : 0n
    if (value < low || value >= low + 2n ** BigInt(bits))
      throw this.#wrong(`${text} is out of the range of type ${type}`)
    return { signature: type, value: bits === 64 ? value : Number(value) }
  }

  #array(type: string | undefined, depth: number): Variant {
    if (type !== undefined && !type.startsWith('a')) throw this.#wrong(`a list is not of type ${type}`)
    const given = type?.slice(1)
    const items = this.#items(/(\])/, (first) => this.#value(given ?? first?.signature, depth + 1))
    const of = given ?? items[0]?.signature
    if (of === undefined) throw this.#wrong('an empty list needs its type, as @as []')
    if (items.some(({ signature }) => signature !== of)) throw this.#wrong('a list has one type')
    const values = items.map(({ value }) => value)
    return { signature: `a${of}`, value: of === 'y' ? Uint8Array.from(values as number[]) : values }
  }

  #tuple(depth: number): Variant {
    const items = this.#items(/(\))/, () => this.#value(undefined, depth + 1))
    if (items.length === 0) throw this.#wrong('a tuple has members')
    const value: readonly Value[] = items.map((item) => item.value)
    return { signature: `(${items.map((item) => item.signature).join('')})`, value }
  }

  #items(end: RegExp, read: (first: Variant | undefined) => Variant): Variant[] {
    const items: Variant[] = []
    while (this.#match(end) === undefined) {
      if (items.length > 0 && this.#match(/(,)/) === undefined) throw this.#wrong('a comma is missing')
      if (items.length > 0 && this.#match(end) !== undefined) break
      items.push(read(items[0]))
    }
    return items
  }

  /** What is between quotes; a backslash takes the next character as it is, but for `\n` and `\t`. */
  #quoted(quote: string): string {
    let value = ''
    for (;;) {
      const one = this.#text[this.#at++]
      if (one === undefined) throw this.#wrong('a text does not end')
      if (one === quote) return value
      const next = one === '\\' ? this.#text[this.#at++] : undefined
      value += next === undefined ? one : next === 'n' ? '\n' : next === 't' ? '\t' : next
    }
  }

  /** What the text goes on with, behind blanks; undefined when it is something else. */
  #match(pattern: RegExp): string | undefined {
    const sticky = new RegExp(`\\s*${pattern.source}`, 'y')
    sticky.lastIndex = this.#at
    const match = sticky.exec(this.#text)
    if (match === null) return undefined
    this.#at = sticky.lastIndex
    return match[1] ?? ''
  }

  #wrong(why: string): CgroupError {
    return wrong(this.#name, this.#text, why)
  }
}

function wrong(name: string, text: string, why: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_INVALID_ARG',
    `cannot use ${JSON.stringify(text.slice(0, 80))} as property ${name.slice(0, 80)} of a unit: ${why}`,
  )
}
