/** What is read of a JSON schema. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly patternProperties?: Readonly<Record<string, Schema>>
}

/** Names of members by themselves in lower case, of the schemas that were asked for. */
const namesOf = new WeakMap<object, ReadonlyMap<string, string>>()

/**
 * A body with its members named as in the schema, whose case Docker's daemon does not look at and clients mistake
 * (`detachKeys`). One that has the right case goes first; names that are the client's own, as labels are, stay.
 */
export function withMemberNames(schema: object, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { anyOf, items, properties, patternProperties } = schema as Schema
  if (anyOf !== undefined) {
    const fitting = anyOf.find((one) => Array.isArray(value) === (one.items !== undefined))
    return fitting === undefined ? value : withMemberNames(fitting, value)
  }
  if (Array.isArray(value))
    return items === undefined ? value : value.map((one) => withMemberNames(items, one))
  if (properties === undefined) {
    const [inner] = Object.values(patternProperties ?? {})
    if (inner === undefined) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withMemberNames(inner, one)]))
  }
  const known = lowerCaseNames(properties)
  const named: Record<string, unknown> = {}
  for (const [key, one] of Object.entries(value)) {
    const name = Object.hasOwn(properties, key) ? key : (known.get(key.toLowerCase()) ?? key)
    if (name !== key && Object.hasOwn(value, name)) continue
    named[name] = Object.hasOwn(properties, name) ? withMemberNames(properties[name]!, one) : one
  }
  return named
}

function lowerCaseNames(properties: object): ReadonlyMap<string, string> {
  const known = namesOf.get(properties)
  if (known !== undefined) return known
  const names = new Map(Object.keys(properties).map((name) => [name.toLowerCase(), name]))
  namesOf.set(properties, names)
  return names
}
