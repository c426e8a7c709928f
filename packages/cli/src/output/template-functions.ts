import { usageError } from '../errors.js'

const functions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  json: (value) => JSON.stringify(value ?? null),
  len: (value) => (typeof value === 'string' ? value.length : Object.keys(value ?? {}).length),
  index: (value, ...keys) =>
    keys.reduce<unknown>(
      (found, key) =>
        typeof found === 'object' && found !== null && Object.hasOwn(found, key as PropertyKey)
          ? (found as Readonly<Record<PropertyKey, unknown>>)[key as PropertyKey]
          : undefined,
      value,
    ),
  join: (value, separator) => (Array.isArray(value) ? value.join(String(separator)) : ''),
  split: (value, separator) => String(value).split(String(separator)),
  upper: (value) => String(value).toUpperCase(),
  lower: (value) => String(value).toLowerCase(),
  println: (...values) => `${values.map(String).join(' ')}\n`,
  eq: (value, ...others) => others.includes(value),
  ne: (value, other) => value !== other,
  not: (value) => !value,
}

/**
 * Calls a function of templates.
 *
 * @throws `CliError` `ERR_CLI_USAGE`: there is none of this name.
 */
export function apply(name: string, args: readonly unknown[]): unknown {
  if (!Object.hasOwn(functions, name))
    throw usageError(
      `invalid --format: there is no function ${name}; there are ${Object.keys(functions).sort().join(', ')}`,
    )
  return functions[name]!(...args)
}
