import { RegistryError } from '../errors.js'

/** A JSON object whose members nobody has checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Parses JSON text that must be an object. `what` names the document in the error. */
export function parseJsonObject(text: string, what: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RegistryError('ERR_REGISTRY_BAD_MANIFEST', `cannot read ${what}: it is not JSON`, { cause })
  }
  return objectAt(value, what)
}

/** The value as an object, or an error that names the place. */
export function objectAt(value: unknown, at: string): JsonObject {
  if (!isObject(value)) throw unexpected(at, 'an object', value)
  return value
}

/** The value as a string. */
export function stringAt(value: unknown, at: string): string {
  if (typeof value !== 'string') throw unexpected(at, 'a string', value)
  return value
}

/** The value as a list; `null` and a missing member are an empty one, as Go's encoder writes them. */
export function listAt(value: unknown, at: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw unexpected(at, 'a list', value)
  return value
}

/** The value as a list of strings. */
export function stringsAt(value: unknown, at: string): readonly string[] {
  return listAt(value, at).map((item, n) => stringAt(item, `${at}[${n}]`))
}

/** The value as an object whose members are all strings. */
export function stringMapAt(value: unknown, at: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(value, at))
  return Object.fromEntries(
    entries.map(([key, item]) => [key, stringAt(item, `${at}[${JSON.stringify(key.slice(0, 80))}]`)]),
  )
}

/** `read(value)`, or `undefined` when the member is missing or `null`. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value)
}

/** The object without its `undefined` members, for `exactOptionalPropertyTypes`. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> }
}

/** An error about one member of a document. */
export function unexpected(at: string, wanted: string, value: unknown): RegistryError {
  const shown = shownAsJson(value)
  const short = shown.length > 120 ? `${shown.slice(0, 120)}…` : shown
  return new RegistryError(
    'ERR_REGISTRY_BAD_MANIFEST',
    `cannot read ${at}: it must be ${wanted}, got ${short}`,
  )
}

/** True for a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A document can be parsed that is nested too deeply to be written. */
function shownAsJson(value: unknown): string {
  try {
    return String(JSON.stringify(value))
  } catch {
    return 'what is nested too deeply to be shown'
  }
}
