import type { FastifyRequest } from 'fastify'
import { badRequest } from '../errors.js'

/** The query of a request, read by Docker's rules. */
export class Query {
  readonly #values: Readonly<Record<string, string | readonly string[] | undefined>>

  constructor(request: FastifyRequest) {
    this.#values = request.query as Readonly<Record<string, string | readonly string[] | undefined>>
  }

  /** Undefined when it is missing or empty. */
  text(name: string): string | undefined {
    const value = this.all(name)[0]
    return value === '' ? undefined : value
  }

  all(name: string): readonly string[] {
    const value = this.#values[name]
    return value === undefined ? [] : typeof value === 'string' ? [value] : value
  }

  /** Everything but nothing, `0`, `no`, `false` and `none` is true. */
  flag(name: string, otherwise = false): boolean {
    const value = this.all(name)[0]
    return value === undefined
      ? otherwise
      : !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase())
  }

  /** @throws `ApiError` 400 with the name. */
  integer(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^-?\d{1,15}$/.test(value))
      throw badRequest(`invalid value of ${name}: ${JSON.stringify(value)} is no whole number`)
    return Number(value)
  }

  /** @throws `ApiError` 400 when it is missing. */
  needed(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw badRequest(`missing parameter in the query: ${name}`)
    return value
  }

  /** A time as seconds since 1970 with a fraction, in nanoseconds; 0 when it is missing. */
  nanos(name: string): bigint {
    const value = this.text(name) ?? '0'
    const [, seconds, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(value) ?? []
    if (seconds === undefined)
      throw badRequest(`invalid value of ${name}: ${JSON.stringify(value)} is no time in seconds`)
    return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
  }

  /**
   * The filters, which are JSON: lists of values, or sets as newer clients send them.
   *
   * @param known - Names that mean something here.
   */
  filters(known: readonly string[]): Filters {
    const value = this.text('filters')
    if (value === undefined) return new Filters({})
    let json: unknown
    try {
      json = JSON.parse(value)
    } catch {
      throw badRequest(`invalid filters: ${JSON.stringify(value)} is no JSON`)
    }
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw badRequest('invalid filters: no object')
    const pairs = Object.entries(json).map(([name, values]): [string, readonly string[]] => {
      if (!known.includes(name)) throw badRequest(`invalid filter '${name}'`)
      return [name, valuesOf(name, values)]
    })
    return new Filters(Object.fromEntries(pairs))
  }
}

function valuesOf(name: string, values: unknown): readonly string[] {
  if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return values
  if (typeof values === 'object' && values !== null && !Array.isArray(values))
    return Object.entries(values).flatMap(([key, wanted]) => (wanted === false ? [] : [key]))
  throw badRequest(`invalid filter '${name}': a list of texts is needed`)
}

const flags: Readonly<Record<string, boolean>> = { 1: true, true: true, 0: false, false: false }

/** Filters of a list: each that is given must have one value that matches, labels all of theirs. */
export class Filters {
  readonly #values: Readonly<Record<string, readonly string[]>>

  constructor(values: Readonly<Record<string, readonly string[]>>) {
    this.#values = values
  }

  get(name: string): readonly string[] {
    return this.#values[name] ?? []
  }

  /** True when nothing is asked, or one value matches. */
  any(name: string, matches: (value: string) => boolean): boolean {
    const values = this.get(name)
    return values.length === 0 || values.some(matches)
  }

  /**
   * Whether what a filter asks for is so: true when nothing is asked.
   *
   * @throws `ApiError` 400: it says neither true nor false, or both.
   */
  flag(name: string, is: boolean): boolean {
    const values = this.get(name)
    const wanted = new Set(values.map((value) => flags[value]))
    if (wanted.has(undefined) || wanted.size > 1)
      throw badRequest(`invalid filter '${name}=[${values.join(' ')}]'`)
    return wanted.size === 0 || wanted.has(is)
  }

  /** True when all labels that are asked for are there, as `key` or `key=value`. */
  labels(labels: Readonly<Record<string, string>>, name = 'label'): boolean {
    return this.get(name).every((wanted) => hasLabel(labels, wanted))
  }
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=')
  const key = at < 0 ? wanted : wanted.slice(0, at)
  if (!Object.hasOwn(labels, key)) return false
  return at < 0 || labels[key] === wanted.slice(at + 1)
}
